import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Stream } from '../../static/js/reliable.js';
import { seeded } from './fakes.js';

const signal = (seq, body = `m${seq}`, ack = 0) => ({ stream: 's', seq, ack, body });

test('messages are numbered from 1 and carry how far the other has come', () => {
  const stream = new Stream('s');
  stream.receive(signal(1), 0);

  assert.deepEqual(stream.send('a', 0), { stream: 's', seq: 1, ack: 1, body: 'a' });
  assert.deepEqual(stream.send('b', 0), { stream: 's', seq: 2, ack: 1, body: 'b' });
});

test('bodies are handed on in order, whatever order they come in', () => {
  const stream = new Stream('s');

  assert.deepEqual(stream.receive(signal(2), 0), []);
  assert.deepEqual(stream.receive(signal(3), 0), []);
  assert.deepEqual(stream.receive(signal(1), 0), ['m1', 'm2', 'm3']);
});

test('what came before is dropped, and acknowledged again', () => {
  const stream = new Stream('s');
  stream.receive(signal(1), 0);
  stream.due(250);

  assert.deepEqual(stream.receive(signal(1), 300), []);
  assert.deepEqual(stream.due(550), [{ stream: 's', ack: 1 }]);
});

test('an ack goes alone within 300 ms when nothing carries it', () => {
  const stream = new Stream('s');
  stream.receive(signal(1), 1000);

  assert.ok(stream.nextAt() <= 1300);
  assert.deepEqual(stream.due(stream.nextAt() - 1), []);
  assert.deepEqual(stream.due(stream.nextAt()), [{ stream: 's', ack: 1 }]);
  assert.equal(stream.nextAt(), Infinity);
});

test('an ack is not put off by what comes after', () => {
  const stream = new Stream('s');
  stream.receive(signal(1), 1000);
  stream.receive(signal(2), 1200);

  assert.deepEqual(stream.due(1300), [{ stream: 's', ack: 2 }]);
});

test('the next message carries the ack, and none goes alone', () => {
  const stream = new Stream('s');
  stream.receive(signal(1), 0);
  const { ack } = stream.send('a', 10);
  stream.receive({ stream: 's', ack: 1 }, 20);

  assert.equal(ack, 1);
  assert.equal(stream.nextAt(), Infinity);
});

test('64 messages are kept beyond a gap, and the next one is dropped unacknowledged', () => {
  const stream = new Stream('s');
  for (let seq = 2; seq <= 66; seq += 1) stream.receive(signal(seq), 0);

  const bodies = stream.receive(signal(1), 0);

  assert.equal(bodies.length, 65);
  assert.equal(stream.send('a', 0).ack, 65);
});

test('what is not acknowledged is sent again after 1, 2, 4, 8 and 8 seconds', () => {
  const stream = new Stream('s');
  stream.send('a', 0);

  const times = [];
  for (let round = 0; round < 6; round += 1) {
    const at = stream.nextAt();
    times.push(at);
    assert.deepEqual(stream.due(at), [{ stream: 's', seq: 1, ack: 0, body: 'a' }]);
  }

  assert.deepEqual(times, [1000, 3000, 7000, 15000, 23000, 31000]);
});

test('an ack that moves on sets the timer back to a second; another does not', () => {
  const stream = new Stream('s');
  stream.send('a', 0);
  stream.send('b', 0);
  stream.due(1000);
  stream.due(3000);

  stream.receive({ stream: 's', ack: 1 }, 3500);
  assert.equal(stream.nextAt(), 4500);
  stream.receive({ stream: 's', ack: 1 }, 4000);
  assert.equal(stream.nextAt(), 4500);
  stream.receive({ stream: 's', ack: 2 }, 4100);
  assert.equal(stream.nextAt(), Infinity);
  assert.equal(stream.pending, 0);
});

test('an ack of what was never sent is nothing', () => {
  const stream = new Stream('s');
  stream.send('a', 0);

  stream.receive({ stream: 's', ack: 9 }, 10);

  assert.equal(stream.pending, 1);
});

test('a path that is back gets everything again at once, with the newest ack', () => {
  const stream = new Stream('s');
  stream.send('a', 0);
  stream.send('b', 0);
  stream.receive(signal(1), 5);

  assert.deepEqual(stream.resend(10), [{ stream: 's', seq: 1, ack: 1, body: 'a' }, { stream: 's', seq: 2, ack: 1, body: 'b' }]);
  assert.equal(stream.nextAt(), 1010);
});

test('a path that is back begins with a second again', () => {
  const stream = new Stream('s');
  stream.send('a', 0);
  stream.due(1000);
  stream.due(3000);

  stream.resend(3500);

  assert.equal(stream.nextAt(), 4500);
});

test('no more is sent again than the other end keeps, the oldest first', () => {
  const stream = new Stream('s');
  for (let n = 1; n <= 100; n += 1) stream.send(n, 0);
  const first = Array.from({ length: 64 }, (_, n) => n + 1);
  assert.deepEqual(stream.resend(10).map(({ seq }) => seq), first);

  stream.receive({ stream: 's', ack: 64 }, 20);

  assert.deepEqual(stream.due(1020).map(({ seq }) => seq), [...Array(36)].map((_, n) => n + 65));
});

test('a path that is back gets the ack that was waiting, or nothing', () => {
  const stream = new Stream('s');
  assert.deepEqual(stream.resend(0), []);
  stream.receive(signal(1), 5);
  assert.deepEqual(stream.resend(10), [{ stream: 's', ack: 1 }]);
});

test('the 129th message is too many, for good', () => {
  const stream = new Stream('s');
  for (let n = 0; n < 128; n += 1) assert.ok(stream.send(n, 0));
  assert.equal(stream.overflowed, false);

  assert.equal(stream.send('more', 0), null);
  stream.receive({ stream: 's', ack: 128 }, 0);

  assert.equal(stream.overflowed, true);
  assert.equal(stream.send('more', 0), null);
});

test('256 KiB are kept, counted in UTF-8, and no more', () => {
  const body = 'é'.repeat(16 * 1024 - 1); // 32 KiB with its quotes
  const stream = new Stream('s');
  for (let n = 0; n < 8; n += 1) assert.ok(stream.send(body, 0));

  assert.equal(stream.send('', 0), null);
});

test('what is acknowledged makes room again', () => {
  const body = 'x'.repeat(64 * 1024 - 2);
  const stream = new Stream('s');
  for (let n = 1; n <= 20; n += 1) {
    assert.ok(stream.send(body, 0));
    stream.receive({ stream: 's', ack: n }, 0);
  }
});

test('a message without a seq delivers nothing, and one without an ack acknowledges nothing', () => {
  const stream = new Stream('s');
  stream.send('a', 0);

  assert.deepEqual(stream.receive({ stream: 's', ack: 0 }, 0), []);
  assert.deepEqual(stream.receive({ stream: 's', seq: 1, body: 'x' }, 0), ['x']);
  assert.equal(stream.pending, 1);
});

// Two ends, and between them a network that loses, repeats and reorders as the seed has it.
function simulate({ seed, loss, repeats, count }) {
  const random = seeded(seed);
  const ends = ['alice', 'bob'].map((name) => ({ name, stream: new Stream('s'), sent: 0, got: [] }));
  const flights = []; // {at, to, envelope}
  let now = 0;
  const launch = (to, envelope) => {
    const copies = random() < repeats ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      if (random() >= loss) flights.push({ at: now + 20 + random() * 400, to, envelope });
    }
  };
  const isDone = () => ends.every(({ stream, got }) => got.length === count && stream.pending === 0);
  for (; now < 600_000 && !isDone(); now += 10) {
    for (const [index, end] of ends.entries()) {
      const other = ends[1 - index];
      if (end.sent < count && end.stream.pending < 100 && random() < 0.2) {
        launch(other, end.stream.send(`${end.name} ${end.sent}`, now));
        end.sent += 1;
      }
      for (const envelope of end.stream.due(now)) launch(other, envelope);
    }
    const landed = flights.filter(({ at }) => at <= now);
    for (const flight of landed) {
      flights.splice(flights.indexOf(flight), 1);
      flight.to.got.push(...flight.to.stream.receive(flight.envelope, now));
    }
  }
  return { ends, now };
}

for (const [loss, repeats, count] of [[0, 0, 200], [0, 0.5, 200], [0.1, 0.1, 150], [0.3, 0.3, 100], [0.6, 0.2, 40]]) {
  test(`everything arrives once and in order at ${loss * 100} % loss and ${repeats * 100} % repeats`, () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const { ends } = simulate({ seed, loss, repeats, count });
      for (const [index, { got, stream }] of ends.entries()) {
        const from = ends[1 - index].name;
        assert.deepEqual(got, Array.from({ length: count }, (_, n) => `${from} ${n}`), `seed ${seed}`);
        assert.equal(stream.pending, 0);
        assert.equal(stream.overflowed, false);
      }
    }
  });
}
