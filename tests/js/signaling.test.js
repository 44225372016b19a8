import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Signaling } from '../../static/js/signaling.js';
import { FakeClock, sockets } from './fakes.js';

const STATE = { name: 'Alice', muted: false, camera: true, sharing: false, hand: false };
const WELCOME = {
  type: 'welcome', version: 1, peer: 'alice', stamp: 5, resumed: false, revision: 1, members: [], token: 'token-1', ice_servers: [],
};

function setUp(options = {}) {
  const clock = new FakeClock();
  const page = new EventTarget();
  const WebSocketClass = sockets();
  const signaling = new Signaling({
    url: 'ws://test/signaling', code: 'heron', state: STATE, WebSocketClass, clock, page, random: () => 0.5, ...options,
  });
  const events = [];
  for (const type of ['welcome', 'message', 'free', 'down', 'refused', 'stopped']) {
    signaling.addEventListener(type, ({ detail }) => events.push({ type, detail }));
  }
  const typesOf = () => events.map(({ type }) => type);
  return { clock, page, WebSocketClass, signaling, events, typesOf };
}

function connected(options) {
  const all = setUp(options);
  all.signaling.connect();
  all.WebSocketClass.newest.open();
  all.WebSocketClass.newest.hear(WELCOME);
  all.events.length = 0;
  return all;
}

test('the first message is hello with the code, on the subprotocol of version 1', () => {
  const { WebSocketClass, signaling, typesOf } = setUp({ replaces: 'old' });
  signaling.connect();
  const socket = WebSocketClass.newest;
  assert.deepEqual(socket.protocols, ['gruveo.v1']);
  assert.equal(socket.url, 'ws://test/signaling');

  socket.open();
  assert.equal(socket.sent.length, 1);
  assert.equal(socket.sent[0].code, 'heron');
  assert.equal(socket.sent[0].replaces, 'old');
  assert.deepEqual(socket.sent[0].state, STATE);
  assert.equal(signaling.up, false);

  socket.hear(WELCOME);
  assert.equal(signaling.up, true);
  assert.deepEqual(typesOf(), ['welcome']);
});

test('nothing is sent before the welcome', () => {
  const { WebSocketClass, signaling } = setUp();
  signaling.connect();
  WebSocketClass.newest.open();

  assert.equal(signaling.send({ type: 'lock', locked: true }), false);
  assert.equal(WebSocketClass.newest.sentOf('lock').length, 0);
});

test('a message too long for a socket is not sent: it would cost the socket', () => {
  const { WebSocketClass, signaling } = connected();

  for (const name of ['x'.repeat(65536), 'é'.repeat(33000)]) assert.equal(signaling.send({ type: 'state', name }), false);
  assert.equal(signaling.send({ type: 'state', name: 'x'.repeat(65000) }), true);
  assert.equal(WebSocketClass.newest.sentOf('state').length, 1);
});

test('rubbish from the server is nothing', () => {
  const { WebSocketClass, typesOf } = connected();
  for (const text of ['x', '[]', '{"type": 3}', '{"type": "welcome"}']) WebSocketClass.newest.hear(text);
  assert.deepEqual(typesOf(), []);
});

test('a lost socket is replaced after a random part of half a second, and resumes with the newest token', async () => {
  const { clock, WebSocketClass, signaling, typesOf } = connected();
  WebSocketClass.newest.hear({ type: 'pong', id: 1, token: 'token-2' });

  WebSocketClass.newest.drop();
  assert.deepEqual(typesOf(), ['down']);
  assert.equal(WebSocketClass.all.length, 1);
  await clock.advance(250);
  assert.equal(WebSocketClass.all.length, 2);
  WebSocketClass.newest.open();

  const { state, ...rest } = WebSocketClass.newest.sent[0];
  assert.deepEqual(rest, { type: 'hello', resume: 'token-2', attempt: 1, client: 'gruveo-web 0.1' });
  assert.equal(state.name, WebSocketClass.all[0].sent[0].state.name);
  assert.equal(signaling.token, 'token-2');
});

test('attempts that fail wait longer each time', async () => {
  const { clock, WebSocketClass } = connected();
  const waits = [];
  for (let attempt = 0; attempt < 6; attempt += 1) {
    const before = clock.now();
    const count = WebSocketClass.all.length;
    WebSocketClass.newest.drop();
    while (WebSocketClass.all.length === count) await clock.advance(50);
    waits.push(clock.now() - before);
  }
  assert.deepEqual(waits, [250, 500, 1000, 2000, 10000, 10000]);
});

test('a socket that welcomes and dies at once is not asked again without a pause', async () => {
  const { clock, WebSocketClass } = connected();
  for (let round = 0; round < 4; round += 1) {
    WebSocketClass.newest.drop(1011);
    await clock.advance(4000);
    WebSocketClass.newest.open();
    WebSocketClass.newest.hear({ ...WELCOME, resumed: true });
  }
  const count = WebSocketClass.all.length;

  WebSocketClass.newest.drop(1011);
  await clock.advance(9999);
  assert.equal(WebSocketClass.all.length, count);
});

test('a pong sets the waiting back', async () => {
  const { clock, WebSocketClass } = connected();
  for (let round = 0; round < 4; round += 1) {
    WebSocketClass.newest.drop();
    await clock.advance(4000);
    WebSocketClass.newest.open();
  }
  WebSocketClass.newest.hear({ ...WELCOME, resumed: true });
  WebSocketClass.newest.hear({ type: 'pong', id: 1 });
  const count = WebSocketClass.all.length;

  WebSocketClass.newest.drop();
  await clock.advance(250);
  assert.equal(WebSocketClass.all.length, count + 1);
});

test('a ping goes every 5 seconds, and an answer keeps the socket', async () => {
  const { clock, WebSocketClass, typesOf } = connected();
  for (let round = 1; round <= 5; round += 1) {
    await clock.advance(5000);
    assert.equal(WebSocketClass.newest.sentOf('ping').length, round);
    WebSocketClass.newest.hear({ type: 'pong', id: round });
  }
  assert.equal(WebSocketClass.all.length, 1);
  assert.deepEqual(typesOf(), []);
});

test('any message answers a ping, and a socket that dies after it is found out by the next', async () => {
  const { clock, WebSocketClass } = connected();
  const [socket] = WebSocketClass.all;
  await clock.advance(5000);
  socket.hear({ type: 'something-new' });
  await clock.advance(4999);
  assert.equal(socket.sentOf('ping').length, 1);

  await clock.advance(1);
  assert.equal(socket.sentOf('ping').length, 2);
  await clock.advance(2999);
  assert.equal(WebSocketClass.all.length, 1);
  await clock.advance(1);
  assert.equal(WebSocketClass.all.length, 2);
});

test('an open socket that is dead is replaced 3 seconds after the ping, without saying that we hang up', async () => {
  const { clock, WebSocketClass, typesOf } = connected();
  const [dead] = WebSocketClass.all;

  await clock.advance(7999);
  assert.equal(WebSocketClass.all.length, 1);
  await clock.advance(1);
  assert.equal(WebSocketClass.all.length, 2);
  assert.deepEqual(typesOf(), ['down']);
  WebSocketClass.newest.open();
  WebSocketClass.newest.hear({ ...WELCOME, resumed: true });

  assert.equal(dead.closedWith, 'no code');
  dead.hear({ type: 'left', revision: 9, peer: 'bob', reason: 'lost' });
  dead.drop(4010);
  assert.deepEqual(typesOf(), ['down', 'welcome']);
});

test('a socket that never opens is given up after 10 seconds', async () => {
  const { clock, WebSocketClass, signaling } = setUp();
  signaling.connect();
  await clock.advance(10000 + 250);
  assert.equal(WebSocketClass.all.length, 2);
});

test('online again: a new socket at once, even if the old one looks open', () => {
  const { page, WebSocketClass, typesOf } = connected();

  page.dispatchEvent(new Event('online'));

  assert.equal(WebSocketClass.all.length, 2);
  assert.deepEqual(typesOf(), ['down']);
});

test('online again during a wait: the wait is over', async () => {
  const { clock, page, WebSocketClass } = connected();
  WebSocketClass.newest.drop();

  page.dispatchEvent(new Event('online'));
  assert.equal(WebSocketClass.all.length, 2);
  await clock.advance(5000);
  assert.equal(WebSocketClass.all.length, 2);
});

test('a server that stops is left at the moment that it names', async () => {
  const { clock, WebSocketClass, typesOf } = connected();
  WebSocketClass.newest.hear({ type: 'reconnect', after_ms: 2400 });

  await clock.advance(2399);
  assert.equal(WebSocketClass.all.length, 1);
  assert.deepEqual(typesOf(), []);
  await clock.advance(1);
  assert.equal(WebSocketClass.all.length, 2);
});

test('the old socket stays open until the new one is welcomed', async () => {
  const { clock, WebSocketClass } = connected();
  const [old] = WebSocketClass.all;
  WebSocketClass.newest.hear({ type: 'reconnect', after_ms: 0 });
  await clock.advance(0);
  WebSocketClass.newest.open();
  assert.equal(old.closedWith, null);

  WebSocketClass.newest.hear({ ...WELCOME, resumed: true });
  assert.equal(old.closedWith, 'no code');
});

/** Welcomed, asked to move, and the next socket is there. */
async function moving() {
  const all = connected();
  const [old] = all.WebSocketClass.all;
  old.hear({ type: 'reconnect', after_ms: 100 });
  await all.clock.advance(100);
  return { ...all, old, next: all.WebSocketClass.newest };
}

test('while it moves the old socket serves, and nothing is said of it', async () => {
  const { signaling, old, next, events, typesOf } = await moving();
  next.open();
  assert.equal(next.sent[0].resume, 'token-1');

  assert.equal(signaling.send({ type: 'lock', locked: true }), true);
  old.hear({ type: 'away', revision: 2, peer: 'bob' });
  assert.equal(old.sentOf('lock').length, 1);
  assert.deepEqual(typesOf(), ['message']);

  next.hear({ ...WELCOME, resumed: true, token: 'token-2' });
  old.hear({ type: 'back', revision: 3, peer: 'bob' });
  old.drop(4010);
  assert.deepEqual(typesOf(), ['message', 'welcome']);
  assert.equal(events.at(-1).detail.token, 'token-2');
  assert.equal(signaling.send({ type: 'lock', locked: false }), true);
  assert.equal(next.sentOf('lock').length, 1);
});

test('the socket that it moved to is kept alive like the first one', async () => {
  const { clock, WebSocketClass, old, next } = await moving();
  next.open();
  next.hear({ ...WELCOME, resumed: true });

  await clock.advance(5000);
  assert.deepEqual([old, next].map((socket) => socket.sentOf('ping').length), [0, 1]);
  await clock.advance(3000);
  assert.equal(WebSocketClass.all.length, 3);
});

test('superseded by its own next socket, it waits for the welcome and says nothing', async () => {
  const { signaling, old, next, typesOf } = await moving();
  next.open();

  old.hear({ type: 'error', code: 'superseded', text: '' });
  old.drop(4010);
  assert.equal(signaling.up, true);
  assert.equal(signaling.send({ type: 'lock', locked: true }), false);
  next.hear({ ...WELCOME, resumed: true });

  assert.deepEqual(typesOf(), ['message', 'welcome']);
  assert.equal(signaling.send({ type: 'lock', locked: true }), true);
});

test('superseded by its own next socket that is never welcomed, it tries yet another', async () => {
  const { clock, WebSocketClass, old, next, typesOf } = await moving();
  next.open();
  old.drop(4010);

  await clock.advance(10000 + 250);

  assert.deepEqual(typesOf(), ['down']);
  assert.equal(WebSocketClass.all.length, 3);
});

test('superseded by its own next socket that was given up, it comes back', async () => {
  const { clock, WebSocketClass, old, next, typesOf } = await moving();
  old.answersPings = true;
  next.open();
  await clock.advance(10000);
  assert.equal(next.closedWith, 'no code');

  old.hear({ type: 'error', code: 'superseded', text: '' });
  old.drop(4010);
  await clock.advance(250);

  assert.deepEqual(typesOf(), ['message', 'down']);
  assert.equal(WebSocketClass.all.length, 3);
});

test('superseded by its own next socket that was told unavailable and let in later, it comes back', async () => {
  const { clock, WebSocketClass, old, next, typesOf } = await moving();
  old.answersPings = true;
  next.open();
  next.hear({ type: 'error', code: 'unavailable', text: '', retry_after: 3 });
  next.drop(4007);

  await clock.advance(1000);
  old.hear({ type: 'error', code: 'superseded', text: '' });
  old.drop(4010);
  await clock.advance(3000);

  assert.deepEqual(typesOf(), ['message', 'down']);
  assert.equal(WebSocketClass.all.length, 3);
});

test('superseded by somebody else after its own next socket was refused is final', async () => {
  const { old, next, typesOf } = await moving();
  next.open();
  next.hear({ type: 'error', code: 'too-many-sockets', text: '', retry_after: 1 });
  next.drop(4016);

  old.hear({ type: 'error', code: 'superseded', text: '' });
  old.drop(4010);

  assert.deepEqual(typesOf(), ['message', 'stopped']);
});

test('superseded before the next socket has said hello is final', async () => {
  const { old, next, events } = await moving();

  old.drop(4010);

  assert.deepEqual(events, [{ type: 'stopped', detail: { code: 'superseded' } }]);
  assert.equal(next.closedWith, 1000);
});

test('a next socket that nobody admits is tried again when it is told, and the old one serves', async () => {
  const { clock, WebSocketClass, signaling, next, typesOf } = await moving();
  next.open();

  next.hear({ type: 'error', code: 'unavailable', text: '', retry_after: 2 });
  next.drop(4007);
  await clock.advance(1999);
  assert.equal(WebSocketClass.all.length, 2);
  assert.equal(signaling.send({ type: 'lock', locked: true }), true);
  await clock.advance(1);
  assert.equal(WebSocketClass.all.length, 3);
  assert.deepEqual(typesOf(), []);
});

test('a next socket that is not welcomed within 10 seconds is tried again, and the old one serves', async () => {
  const { clock, WebSocketClass, old, next, typesOf } = await moving();
  old.answersPings = true;

  await clock.advance(10000 + 250);

  assert.equal(next.closedWith, 'no code');
  assert.equal(old.closedWith, null);
  assert.equal(WebSocketClass.all.length, 3);
  assert.ok(!typesOf().includes('down'));
});

/** Lets so many next sockets fail, and tells how long each wait after that was. */
async function waitsBetweenMoves({ clock, WebSocketClass }, count) {
  const waits = [];
  while (waits.length < count) {
    const [before, sockets] = [clock.now(), WebSocketClass.all.length];
    WebSocketClass.newest.drop();
    while (WebSocketClass.all.length === sockets) await clock.advance(50);
    waits.push(clock.now() - before);
  }
  return waits;
}

test('next sockets that fail wait longer each time, whatever the old one hears', async () => {
  const all = await moving();
  all.old.answersPings = true;

  assert.deepEqual(await waitsBetweenMoves(all, 7), [250, 500, 1000, 2000, 10000, 10000, 10000]);
});

test('asked to move anew, it begins with short waits again', async () => {
  const all = await moving();
  all.old.answersPings = true;
  await waitsBetweenMoves(all, 5);

  all.old.hear({ type: 'reconnect', after_ms: 0 });
  await all.clock.advance(0);

  assert.deepEqual(await waitsBetweenMoves(all, 2), [250, 500]);
});

test('asked twice to move, it moves once', async () => {
  const { clock, WebSocketClass, old, next } = await moving();
  next.answersPings = true;
  next.open();

  old.hear({ type: 'reconnect', after_ms: 3000 });
  next.hear({ ...WELCOME, resumed: true });
  await clock.advance(10000);

  assert.equal(WebSocketClass.all.length, 2);
});

test('a next socket that is refused for good does not end the call while the old one serves', async () => {
  const { clock, WebSocketClass, old, next, signaling, typesOf } = await moving();
  old.answersPings = true;
  next.open();

  next.drop(4012);
  await clock.advance(60000);

  assert.equal(signaling.up, true);
  assert.equal(WebSocketClass.all.length, 2);
  assert.deepEqual(typesOf(), []);
});

test('when the old socket ends first, the next one under way is the one that counts', async () => {
  const { clock, WebSocketClass, signaling, old, next, typesOf } = await moving();

  old.drop(1012);
  assert.equal(signaling.up, false);
  await clock.advance(9999);
  next.open();
  next.hear({ ...WELCOME, resumed: true });

  assert.deepEqual(typesOf(), ['down', 'welcome']);
  assert.equal(WebSocketClass.all.length, 2);
});

test('a server that ends sooner than it said is left for the moment that it named', async () => {
  const { clock, WebSocketClass } = connected();
  WebSocketClass.newest.hear({ type: 'reconnect', after_ms: 2400 });
  await clock.advance(400);

  WebSocketClass.newest.drop(1012);
  await clock.advance(1999);
  assert.equal(WebSocketClass.all.length, 1);
  await clock.advance(1);
  assert.equal(WebSocketClass.all.length, 2);
});

test('hanging up while it moves closes both sockets with 1000', async () => {
  const { clock, signaling, old, next } = await moving();
  next.open();

  signaling.leave();

  assert.equal(old.sentOf('leave').length, 1);
  assert.deepEqual([old, next].map(({ closedWith }) => closedWith), [1000, 1000]);
  assert.equal(clock.waiting, 0);
});

test('a browser that makes no socket to move to is asked again, and the old one serves', async () => {
  let isRefusing = false;
  const Working = sockets();
  class Stubborn extends Working {
    constructor(...args) {
      if (isRefusing) throw new Error('not now');
      super(...args);
    }
  }
  const { clock, signaling, typesOf } = setUp({ WebSocketClass: Stubborn });
  signaling.connect();
  Stubborn.newest.open();
  Stubborn.newest.hear(WELCOME);
  isRefusing = true;
  Stubborn.newest.hear({ type: 'reconnect', after_ms: 0 });
  await clock.advance(100);
  assert.equal(signaling.up, true);

  isRefusing = false;
  await clock.advance(500);

  assert.equal(Stubborn.all.length, 2);
  assert.deepEqual(typesOf(), ['welcome']);
});

test('what others see, changed while the hello was on its way, is said after the welcome', async () => {
  const { clock, WebSocketClass, signaling } = connected();
  WebSocketClass.newest.drop();
  await clock.advance(250);
  const { newest } = WebSocketClass;
  newest.open();
  signaling.state = { ...STATE, muted: true };
  assert.equal(newest.sent[0].state.muted, false);

  newest.hear({ ...WELCOME, resumed: true });

  assert.deepEqual(newest.sentOf('state'), [{ type: 'state', ...STATE, muted: true }]);
});

test('what others see is not said twice', () => {
  const { WebSocketClass } = connected();
  assert.equal(WebSocketClass.newest.sentOf('state').length, 0);
});

for (const [code, close] of [['bad-code', 4004], ['room-full', 4005], ['locked', 4006], ['unsupported-version', 4001], ['replaced', 4009]]) {
  test(`${code} is told, and not tried again`, async () => {
    const { clock, WebSocketClass, signaling, events } = setUp();
    signaling.connect();
    WebSocketClass.newest.open();

    WebSocketClass.newest.hear({ type: 'error', code, text: '', hint: code === 'bad-code' ? 'dots' : undefined });
    WebSocketClass.newest.drop(close);
    await clock.advance(60000);

    const hint = code === 'bad-code' ? 'dots' : null;
    assert.deepEqual(events.at(-1), { type: 'refused', detail: { code, hint, retryAfter: null, final: true } });
    assert.equal(WebSocketClass.all.length, 1);
    assert.equal(clock.waiting, 0);
  });
}

for (const [code, close] of [['superseded', 4010], ['removed', 4017]]) {
  test(`${code} is final`, async () => {
    const { clock, page, WebSocketClass, events } = connected();

    WebSocketClass.newest.hear({ type: 'error', code, text: '' });
    WebSocketClass.newest.drop(close);
    page.dispatchEvent(new Event('online'));
    await clock.advance(60000);

    assert.deepEqual(events.at(-1), { type: 'stopped', detail: { code } });
    assert.equal(WebSocketClass.all.length, 1);
    assert.equal(clock.waiting, 0);
  });
}

for (const [code, close] of [['gone', 4011], ['bad-token', 4012]]) {
  test(`after ${code} the page joins anew with the code and its newest state, and says so`, async () => {
    const { clock, WebSocketClass, signaling, events } = connected();
    signaling.state = { ...STATE, muted: true };
    WebSocketClass.newest.drop();
    await clock.advance(250);
    WebSocketClass.newest.open();

    WebSocketClass.newest.hear({ type: 'error', code, text: '' });
    WebSocketClass.newest.drop(close);
    await clock.advance(4000);
    WebSocketClass.newest.open();

    assert.deepEqual(events.at(-1), { type: 'refused', detail: { code, hint: null, retryAfter: null, final: false } });
    const { type, code: typed, resume, state } = WebSocketClass.newest.sent[0];
    assert.deepEqual({ type, typed, resume, muted: state.muted }, { type: 'hello', typed: 'heron', resume: undefined, muted: true });
  });
}

test('until it is welcome a page says the same nonce with each hello, and then another', async () => {
  const { clock, WebSocketClass, signaling } = setUp();
  signaling.connect();
  const said = [];
  for (const ending of [1006, 1006, 4011]) {
    WebSocketClass.newest.open();
    said.push(WebSocketClass.newest.sent[0].nonce);
    if (ending === 4011) WebSocketClass.newest.hear(WELCOME);
    WebSocketClass.newest.drop(ending);
    await clock.advance(1000);
  }
  WebSocketClass.newest.open();

  const { nonce: last } = WebSocketClass.newest.sent[0];
  assert.match(last, /^[A-Za-z0-9_-]{16,64}$/);
  assert.deepEqual(said, [said[0], said[0], said[0]]);
  assert.notEqual(last, said[0]);
});

test('a page goes on with the nonce and the count of one whose hello was not answered', () => {
  const first = setUp();
  assert.equal(first.signaling.unheard, null);
  first.signaling.connect();
  first.WebSocketClass.newest.open();
  const { nonce, attempt } = first.WebSocketClass.newest.sent[0];
  assert.deepEqual(first.signaling.unheard, { nonce, attempt: attempt + 1 });

  const second = setUp({ unheard: first.signaling.unheard });
  assert.deepEqual(second.signaling.unheard, first.signaling.unheard);
  second.signaling.connect();
  second.WebSocketClass.newest.open();

  const said = second.WebSocketClass.newest.sent[0];
  assert.deepEqual([said.nonce, said.attempt], [nonce, attempt + 1]);
  assert.deepEqual(second.signaling.unheard, { nonce, attempt: attempt + 2 });
  second.WebSocketClass.newest.hear(WELCOME);
  assert.equal(second.signaling.unheard, null);
});

test('once welcomed, a page takes the place of nobody any more', async () => {
  const { clock, WebSocketClass } = connected({ replaces: 'old' });
  WebSocketClass.newest.drop(4011);
  await clock.advance(250);
  WebSocketClass.newest.open();

  const { code, replaces } = WebSocketClass.newest.sent[0];
  assert.deepEqual({ code, replaces }, { code: 'heron', replaces: undefined });
});

test('unavailable waits as long as it is told, and says so', async () => {
  const { clock, WebSocketClass, signaling, events } = setUp();
  signaling.connect();
  WebSocketClass.newest.open();

  WebSocketClass.newest.hear({ type: 'error', code: 'unavailable', text: '', retry_after: 12 });
  WebSocketClass.newest.drop(4007);
  assert.deepEqual(events.at(-1), { type: 'refused', detail: { code: 'unavailable', hint: null, retryAfter: 12, final: false } });
  await clock.advance(11999);
  assert.equal(WebSocketClass.all.length, 1);
  await clock.advance(1);
  assert.equal(WebSocketClass.all.length, 2);
});

test('an error that ends nothing does not colour a later close', async () => {
  const { clock, WebSocketClass, typesOf } = connected();

  WebSocketClass.newest.hear({ type: 'error', code: 'rate-limited', text: '', retry_after: 60 });
  WebSocketClass.newest.drop(1006);
  await clock.advance(250);

  assert.equal(WebSocketClass.all.length, 2);
  assert.deepEqual(typesOf(), ['message', 'down']);
});

const tooMuch = (seconds) => ({ type: 'error', code: 'rate-limited', text: '', retry_after: seconds });

test('after rate-limited nothing but pings is said until the time is up, and then that is told', async () => {
  const { clock, WebSocketClass, signaling, typesOf } = connected();
  const { newest } = WebSocketClass;
  newest.answersPings = true;

  newest.hear(tooMuch(6));
  await clock.advance(5999);
  for (const type of ['state', 'lock', 'signal', 'ack', 'members']) assert.equal(signaling.send({ type }), false);
  assert.deepEqual(newest.sent.map(({ type }) => type), ['hello', 'ping']);
  assert.ok(!typesOf().includes('free'));

  await clock.advance(1);
  assert.equal(typesOf().at(-1), 'free');
  assert.equal(signaling.send({ type: 'lock', locked: true }), true);
});

test('each further refusal counts anew', async () => {
  const { clock, WebSocketClass, signaling } = connected();
  WebSocketClass.newest.hear(tooMuch(2));
  await clock.advance(1500);

  WebSocketClass.newest.hear(tooMuch(2));
  await clock.advance(1999);

  assert.equal(signaling.send({ type: 'lock', locked: true }), false);
  await clock.advance(1);
  assert.equal(signaling.send({ type: 'lock', locked: true }), true);
});

test('what was refused on one socket holds nothing back on the next', async () => {
  const { signaling, old, next, typesOf, clock } = await moving();
  old.hear(tooMuch(4));
  next.open();
  next.hear({ ...WELCOME, resumed: true });

  assert.equal(signaling.send({ type: 'lock', locked: true }), true);
  await clock.advance(4000);
  assert.ok(!typesOf().includes('free'));
});

test('hanging up is said although too much was said before', () => {
  const { WebSocketClass, signaling } = connected();
  WebSocketClass.newest.hear(tooMuch(60));

  signaling.leave();

  assert.equal(WebSocketClass.newest.sentOf('leave').length, 1);
});

test('leaving says so and closes with 1000, once, and for good', async () => {
  const { clock, page, WebSocketClass, signaling, typesOf } = connected();

  signaling.leave();
  signaling.leave();
  page.dispatchEvent(new Event('online'));
  await clock.advance(60000);

  assert.equal(WebSocketClass.newest.sentOf('leave').length, 1);
  assert.equal(WebSocketClass.newest.closedWith, 1000);
  assert.equal(WebSocketClass.all.length, 1);
  assert.equal(clock.waiting, 0);
  assert.deepEqual(typesOf(), []);
});

test('a page that goes away leaves, and says so in case that it comes back', () => {
  const { page, WebSocketClass, events } = connected();
  page.dispatchEvent(new Event('pagehide'));
  page.dispatchEvent(new Event('pagehide'));
  assert.equal(WebSocketClass.newest.sentOf('leave').length, 1);
  assert.deepEqual(events, [{ type: 'stopped', detail: { code: null } }]);
});

test('leaving while it is being lost opens no other socket', async () => {
  const { clock, WebSocketClass, signaling } = connected();
  signaling.addEventListener('down', () => signaling.leave());

  WebSocketClass.newest.drop();
  await clock.advance(60000);

  assert.equal(WebSocketClass.all.length, 1);
  assert.equal(clock.waiting, 0);
});

test('a browser that makes no socket now is asked again later', async () => {
  let refusals = 2;
  const Working = sockets();
  class Stubborn extends Working {
    constructor(...args) {
      if (refusals > 0) {
        refusals -= 1;
        throw new Error('not now');
      }
      super(...args);
    }
  }
  const { clock, signaling } = setUp({ WebSocketClass: Stubborn });

  signaling.connect();
  await clock.advance(750);

  assert.equal(Stubborn.all.length, 1);
});

test('a second attempt before the first welcome leaves no member behind of whom nobody knows the token', () => {
  const { page, WebSocketClass, signaling } = setUp();
  signaling.connect();
  const first = WebSocketClass.newest;
  first.open();

  page.dispatchEvent(new Event('online'));

  assert.equal(first.closedWith, 1000);
});

test('each socket of a page says a higher attempt', async () => {
  const { page, WebSocketClass } = connected();
  for (let round = 0; round < 3; round += 1) {
    page.dispatchEvent(new Event('online'));
    WebSocketClass.newest.open();
    WebSocketClass.newest.hear({ ...WELCOME, resumed: true });
  }

  assert.deepEqual(WebSocketClass.all.map(({ sent }) => sent[0].attempt), [0, 1, 2, 3]);
});

test('hanging up while a new socket is under way leaves no older one away', () => {
  const { page, WebSocketClass, signaling } = connected();
  const older = WebSocketClass.newest;
  page.dispatchEvent(new Event('online'));

  signaling.leave();

  assert.equal(older.closedWith, 1000);
  assert.equal(WebSocketClass.newest.closedWith, 1000);
});
