import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as protocol from '../../static/js/protocol.js';

const { afterClose, completeState, later, parse, parseDirect } = protocol;
const welcome = {
  type: 'welcome', version: 1, peer: 'Zk3vYp0cQm1xT8aN', stamp: 5, resumed: false, revision: 7, token: 't',
  members: [{ peer: 'b7Rw2LqXn0uE5sHd', stamp: 4, away: false, state: {} }],
};

test('a welcome is read', () => {
  assert.deepEqual(parse(JSON.stringify(welcome)), welcome);
});

test('an unknown type and unknown members pass', () => {
  assert.deepEqual(parse('{"type": "knocking", "x": 1}'), { type: 'knocking', x: 1 });
});

for (const rubbish of ['', 'x', 'null', '1', '"welcome"', '[]', '[{"type": "pong"}]', '{}', '{"type": 1}', '{"type": null}', '{"type": ["pong"]}', '{"type": "pong"']) {
  test(`rubbish is null: ${rubbish}`, () => assert.equal(parse(rubbish), null));
}

test('what is no text is null', () => {
  for (const value of [undefined, null, new ArrayBuffer(2), {}, 3]) assert.equal(parse(value), null);
});

test('nesting without end is null or read, and never thrown', () => {
  assert.doesNotThrow(() => parse(`{"type": "pong", "x": ${'['.repeat(200_000)}`));
  assert.doesNotThrow(() => parse(`{"type": "pong", "x": ${'['.repeat(60_000)}${']'.repeat(60_000)}}`));
});

for (const [name, value] of [['peer', 3], ['peer', 'a b'], ['stamp', -1], ['stamp', 1.5], ['stamp', 2 ** 53], ['members', {}], ['members', [null]], ['members', [{ peer: 'x' }]], ['token', null], ['revision', '7']]) {
  test(`a welcome whose ${name} is ${JSON.stringify(value)} is rubbish`, () => assert.equal(parse(JSON.stringify({ ...welcome, [name]: value })), null));
}

test('types named like what every object has are only unknown', () => {
  for (const type of ['constructor', '__proto__', 'toString']) assert.deepEqual(parse(JSON.stringify({ type })), { type });
});

test('a signal needs a sender from the server, and none from the data channel', () => {
  const bare = { type: 'signal', stream: 'q1', seq: 1, ack: 0, body: null };

  assert.equal(parse(JSON.stringify(bare)), null);
  assert.deepEqual(parseDirect(JSON.stringify(bare)), bare);
  assert.deepEqual(parse(JSON.stringify({ ...bare, from: 'a' })), { ...bare, from: 'a' });
});

test('only signals, acks and states come over the data channel', () => {
  assert.deepEqual(parseDirect('{"type": "state", "state": {"muted": true}}'), { type: 'state', state: { muted: true } });
  for (const text of ['{"type": "left", "revision": 1, "peer": "a"}', 'x', '{"type": "signal", "stream": "a b", "seq": 1}', '{"type": "ack", "stream": "a"}', '{"type": "state"}', '{"type": "state", "state": []}', '{"type": "constructor"}']) {
    assert.equal(parseDirect(text), null);
  }
});

test('hello joins by code, and resumes by token without the code; it always says what others see', () => {
  const state = completeState({ name: 'Alice' });

  assert.deepEqual(protocol.hello({ code: 'heron', resume: null, replaces: null, nonce: 'n', state, client: 'c', attempt: 0 }), { type: 'hello', code: 'heron', nonce: 'n', attempt: 0, state, client: 'c' });
  assert.equal(protocol.hello({ code: 'heron', replaces: 'old', state, client: 'c' }).replaces, 'old');
  assert.deepEqual(protocol.hello({ code: 'heron', resume: 'token', replaces: 'old', nonce: 'n', state, client: 'c', attempt: 2 }), { type: 'hello', resume: 'token', attempt: 2, state, client: 'c' });
});

test('the other messages say what they should', () => {
  assert.deepEqual(protocol.signal('b', { stream: 's', seq: 2, ack: 1, body: { x: 1 } }), { type: 'signal', to: 'b', stream: 's', seq: 2, ack: 1, body: { x: 1 } });
  assert.deepEqual(protocol.ack('b', { stream: 's', ack: 3 }), { type: 'ack', to: 'b', stream: 's', ack: 3 });
  assert.deepEqual(protocol.state({ muted: true }), { type: 'state', muted: true });
  assert.deepEqual(protocol.lock(true), { type: 'lock', locked: true });
  assert.deepEqual(protocol.ping(17), { type: 'ping', id: 17 });
  assert.deepEqual(protocol.leave(), { type: 'leave' });
  assert.deepEqual(protocol.members(), { type: 'members' });
  assert.deepEqual(protocol.direct({ stream: 's', ack: 3 }), { type: 'ack', stream: 's', ack: 3 });
  assert.equal(protocol.direct({ stream: 's', seq: 1, ack: 3, body: 0 }).type, 'signal');
});

test('a state is made whole from anything', () => {
  assert.deepEqual(completeState(null), protocol.NO_STATE);
  assert.deepEqual(completeState({ name: 5, muted: 'yes', camera: true }), { ...protocol.NO_STATE, camera: true });
  assert.equal(completeState({ name: '🦩'.repeat(70) }).name, '🦩'.repeat(64));
});

const ENDINGS = [
  ['unsupported-version', 4001, 'tell'], ['hello-timeout', 4002, 'resume'], ['hello-expected', 4003, 'tell'], ['bad-code', 4004, 'tell'],
  ['room-full', 4005, 'tell'], ['locked', 4006, 'tell'], ['unavailable', 4007, 'resume'], ['too-many-joins', 4008, 'resume'],
  ['replaced', 4009, 'tell'], ['superseded', 4010, 'stop'], ['gone', 4011, 'join-anew'], ['bad-token', 4012, 'join-anew'],
  ['too-slow', 4013, 'resume'], ['silent', 4014, 'resume'], ['flood', 4015, 'resume'], ['too-many-sockets', 4016, 'resume'],
  ['removed', 4017, 'stop'], ['internal', 1011, 'resume'],
];
for (const [error, close, expected] of ENDINGS) {
  test(`after ${error} (${close}): ${expected}`, () => {
    assert.equal(afterClose(close, error), expected);
    assert.equal(afterClose(close), expected); // the error got lost
    assert.equal(afterClose(1006, error), expected); // the close frame got lost
    assert.equal(protocol.errorOf(close), error);
  });
}

test('a close without an error: only 1000 is the end', () => {
  for (const close of [1001, 1005, 1006, 1007, 1009, 1012, 1015, 3000]) assert.equal(afterClose(close), 'resume', `${close}`);
  assert.equal(afterClose(1000), 'stop');
});

test('an unknown error is treated by its close code', () => {
  assert.equal(afterClose(4099, 'on-fire'), 'tell');
  assert.equal(afterClose(1006, 'on-fire'), 'resume');
  assert.equal(afterClose(1006, 'constructor'), 'resume');
});

test('an error that ends nothing is not the reason for a close', () => {
  for (const code of ['bad-message', 'unknown-type', 'not-supported', 'unknown-peer', 'rate-limited']) assert.equal(protocol.mayEnd(code), false);
  assert.equal(protocol.mayEnd('locked'), true);
});

test('the later one has the higher stamp, between equal ones the higher peer id', () => {
  assert.equal(later({ stamp: 2, peer: 'a' }, { stamp: 1, peer: 'z' }), true);
  assert.equal(later({ stamp: 1, peer: 'z' }, { stamp: 2, peer: 'a' }), false);
  assert.equal(later({ stamp: 1, peer: 'b' }, { stamp: 1, peer: 'a' }), true);
  assert.equal(later({ stamp: 1, peer: 'B' }, { stamp: 1, peer: 'a' }), false); // by code, not by any alphabet
});
