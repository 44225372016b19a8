// The words of the signaling protocol (docs/protocol.md): what a client may say, what it may hear, and what each ending means.

export const SUBPROTOCOL = 'gruveo.v1';
export const MESSAGE_BYTES = 65536; // a longer message costs the socket (1009)
export const HUNG_UP = 1000; // the close code after `leave`
export const NO_STATE = Object.freeze({ name: '', muted: false, camera: false, sharing: false, hand: false });

const NAME_LONGEST = 64; // code points

// Errors that end the socket: its close code, and what to do then. `resume` comes back to the same place, after a wait.
const ENDINGS = {
  'unsupported-version': [4001, 'tell'],
  'hello-timeout': [4002, 'resume'],
  'hello-expected': [4003, 'tell'],
  'bad-code': [4004, 'tell'],
  'room-full': [4005, 'tell'],
  locked: [4006, 'tell'],
  unavailable: [4007, 'resume'],
  'too-many-joins': [4008, 'resume'],
  replaced: [4009, 'tell'],
  superseded: [4010, 'stop'],
  gone: [4011, 'join-anew'],
  'bad-token': [4012, 'join-anew'],
  'too-slow': [4013, 'resume'],
  silent: [4014, 'resume'],
  flood: [4015, 'resume'],
  'too-many-sockets': [4016, 'resume'],
  removed: [4017, 'stop'],
  internal: [1011, 'resume'],
};
const LASTING = new Set(['bad-message', 'unknown-type', 'not-supported', 'unknown-peer', 'rate-limited']); // errors that end nothing
const NAMES = new Map(Object.entries(ENDINGS).map(([name, [close]]) => [close, name]));

const isText = (value) => typeof value === 'string';
const isFlag = (value) => typeof value === 'boolean';
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isList = (value) => Array.isArray(value);
const isId = (value) => isText(value) && /^[A-Za-z0-9_-]{1,64}$/.test(value);
const isStream = (value) => isText(value) && /^[A-Za-z0-9_-]{1,32}$/.test(value);
const isMember = (value) => isObject(value) && isId(value.peer) && isCount(value.stamp);
const isMembers = (value) => isList(value) && value.every(isMember);
const isMissing = (value) => value === undefined;
const either = (one, other) => (value) => one(value) || other(value);

const SIGNAL = { stream: isStream, seq: either(isCount, isMissing), ack: either(isCount, isMissing) };
const ACK = { stream: isStream, ack: isCount };

// What each message must hold for us to work with it. Other members, and other types, pass.
const SHAPES = new Map(Object.entries({
  welcome: { peer: isId, stamp: isCount, resumed: isFlag, revision: isCount, members: isMembers, token: isText },
  joined: { revision: isCount, member: isMember },
  away: { revision: isCount, peer: isId },
  back: { revision: isCount, peer: isId },
  left: { revision: isCount, peer: isId },
  members: { revision: isCount, members: isMembers },
  state: { revision: isCount, peer: isId, state: isObject },
  lock: { revision: isCount, locked: isFlag },
  signal: { from: isId, ...SIGNAL },
  ack: { from: isId, ...ACK },
  ice: { ice_servers: isList },
  reconnect: {},
  pong: {},
  error: { code: isText },
}));
const DIRECT_SHAPES = new Map(Object.entries({ signal: SIGNAL, ack: ACK, state: { state: isObject } }));

/** The message in a text from the server, or null for rubbish. Never throws. A type it does not know is passed as it is. */
export function parse(text) {
  const message = read(text);
  return message && fits(message, SHAPES.get(message.type) ?? {}) ? message : null;
}

/** The signal, ack or state in a text from the data channel, or null for anything else. */
export function parseDirect(text) {
  const message = read(text);
  const shape = message && DIRECT_SHAPES.get(message.type);
  return shape && fits(message, shape) ? message : null;
}

function read(text) {
  if (!isText(text)) return null;
  try {
    const message = JSON.parse(text);
    return isObject(message) && isText(message.type) ? message : null;
  } catch {
    return null; // not JSON, or nested too deep
  }
}

function fits(message, shape) {
  return Object.entries(shape).every(([name, is]) => is(message[name]));
}

/**
 * The first message on a socket: with `resume` for who comes back, else with `code`. `attempt` counts the sockets of this page, whose `nonce`
 * stays the same until a welcome has come.
 */
export function hello({ code, resume, replaces, nonce, state, client, attempt }) {
  if (resume) return { type: 'hello', resume, attempt, state, client };
  return { type: 'hello', code, ...(replaces && { replaces }), nonce, attempt, state, client };
}

export const signal = (to, { stream, seq, ack, body }) => ({ type: 'signal', to, stream, seq, ack, body });
export const ack = (to, { stream, ack: upTo }) => ({ type: 'ack', to, stream, ack: upTo });
export const state = (changed) => ({ type: 'state', ...changed });
export const lock = (locked) => ({ type: 'lock', locked });
export const ping = (id) => ({ type: 'ping', id });
export const leave = () => ({ type: 'leave' });
export const members = () => ({ type: 'members' });
export const report = (path) => ({ type: 'report', path });

/** A signal or an ack as it goes over the data channel: without `to` and `from`. */
export function direct(envelope) {
  return { type: 'seq' in envelope ? 'signal' : 'ack', ...envelope };
}

/** What others see of us as it goes over the data channel: the whole of it, and without a number. */
export const directState = (whole) => ({ type: 'state', state: whole });

/** A whole state, from whatever was sent as one: a name of at most 64 code points and four booleans. */
export function completeState(given) {
  const known = isObject(given) ? given : {};
  const name = isText(known.name) ? [...known.name].slice(0, NAME_LONGEST).join('') : '';
  const { muted, camera, sharing, hand } = known;
  return { name, muted: muted === true, camera: camera === true, sharing: sharing === true, hand: hand === true };
}

/**
 * What to do when a socket has ended.
 * @param {number} closeCode
 * @param {string} [errorCode] of the last `error` before it, if there was one
 * @returns {'resume'|'join-anew'|'tell'|'stop'}
 */
export function afterClose(closeCode, errorCode) {
  const name = Object.hasOwn(ENDINGS, errorCode ?? '') ? errorCode : NAMES.get(closeCode);
  if (name) return ENDINGS[name][1];
  if (closeCode === HUNG_UP) return 'stop';
  return closeCode >= 4000 && closeCode <= 4999 ? 'tell' : 'resume';
}

/** Whether an error with this code is, or may be, the reason for the close that follows. */
export function mayEnd(errorCode) {
  return !LASTING.has(errorCode);
}

/** The stable word for an ending that came without its `error`, or null. */
export function errorOf(closeCode) {
  return NAMES.get(closeCode) ?? null;
}

/** Whether `a` came later than `b`: the higher stamp, between equal ones the higher peer id. */
export function later(a, b) {
  return a.stamp === b.stamp ? a.peer > b.peer : a.stamp > b.stamp;
}
