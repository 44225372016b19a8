// The socket to the server: keeps one alive, notices when it is dead, and comes back to the same place in the room. When a server asks
// us to move, the next socket is opened beside the one that serves, and takes over with its welcome: nobody notices.
//
// Events: `welcome` and `message` (detail: the message), `free` (the pause after `rate-limited` is over), `down` (no socket serves us now;
// it is being replaced), `refused` (detail: {code, hint, retryAfter, final}; `final` means that no further attempt follows), `trying` (a socket
// is opened while none serves), `failed` (that was in vain, and nobody said why) and `stopped` (detail: {code}, null when the page went away;
// over for good).

import { delay } from './backoff.js';
import { systemClock } from './clock.js';
import * as protocol from './protocol.js';

const PING_MS = 5000;
const PONG_MS = 3000; // nothing at all within this after a ping: the socket is open and dead
const WELCOME_MS = 10000; // no welcome within this after an attempt began: try another socket
const ALWAYS = new Set(['ping', 'leave']); // said even after `rate-limited`
const CLIENT = 'gruveo-web 0.1';
const NONCE_BYTES = 16; // whoever guessed it could take our place

function drawNonce() {
  return [...crypto.getRandomValues(new Uint8Array(NONCE_BYTES))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** One socket of the page, and its last word on why it may end. */
class Attempt {
  error = null;
  #handlers = new AbortController();

  constructor(socket) {
    this.socket = socket;
  }

  on(type, handle) {
    this.socket.addEventListener(type, handle, { signal: this.#handlers.signal });
  }

  /** Hear no more of it. */
  forget() {
    this.#handlers.abort();
  }
}

export class Signaling extends EventTarget {
  #url;
  #code;
  #state;
  #replaces;
  #nonce; // until a welcome has come: a hello that was not answered may have let us in
  #WebSocketClass;
  #random;
  #clock;
  #listening = new AbortController();

  #current = null; // the Attempt that serves, or that is to serve when none does
  #next = null; // the one that is to take over from a socket that serves
  #unanswered = null; // the one whose hello got neither welcome nor refusal for good: it may have our place
  #retired = null; // the socket before, kept open until its successor is welcomed: the server lets the newest win
  #token = null;
  #phase = 'new'; // 'new' | 'joining' | 'up' | 'crossing' (the server has turned to our next socket) | 'down' | 'over'
  #attempt = 0; // in vain since the last pong: how long to wait
  #moves = 0; // in vain since a server asked us to move, while the old socket serves and has its pongs
  #opened; // sockets so far: which hello is the newest
  #greeted = null; // the state that the newest hello said
  #moveAt = -Infinity; // a server asked us to come then, and not earlier
  #pingId = 0;
  #timers = new Map(); // name -> timer

  /**
   * @param {object} options
   * @param {string} options.url of the socket
   * @param {string} options.code as typed or normal
   * @param {object} options.state what others see at first
   * @param {string|null} [options.replaces] token of the member whose place this page takes
   * @param {{nonce: string, attempt: number}|null} [options.unheard] of the page before this one, see `unheard`
   * @param {object} [options.clock] now, setTimeout, clearTimeout
   * @param {EventTarget} [options.page] where `online` and `pagehide` are heard
   */
  constructor({
    url, code, state, replaces = null, unheard = null,
    WebSocketClass = globalThis.WebSocket, random = Math.random, clock = systemClock, page = globalThis,
  }) {
    super();
    this.#url = url;
    this.#code = code;
    this.#state = state;
    this.#replaces = replaces;
    this.#nonce = unheard?.nonce ?? drawNonce();
    this.#opened = unheard?.attempt ?? 0;
    this.#WebSocketClass = WebSocketClass;
    this.#random = random;
    this.#clock = clock;
    const { signal } = this.#listening;
    page.addEventListener?.('online', () => this.reconnect(), { signal });
    page.addEventListener?.('pagehide', () => this.#pageGoes(), { signal });
  }

  /** Welcomed, and as far as we know alive. */
  get up() {
    return this.#phase === 'up' || this.#phase === 'crossing';
  }

  /** The newest resume token: a bearer secret. Null before the first welcome. */
  get token() {
    return this.#token;
  }

  /**
   * What the page after a reload has to say, for a hello of ours that got no answer may have let us in; null once welcomed. As secret as the token.
   */
  get unheard() {
    return this.#token === null && this.#opened > 0 ? { nonce: this.#nonce, attempt: this.#opened } : null;
  }

  /** What the next `hello` shows others. */
  set state(state) {
    this.#state = state;
  }

  connect() {
    if (this.#phase !== 'new') return;
    this.#phase = 'joining';
    this.#open();
  }

  /** Take a new socket at once, even if this one looks alive. */
  reconnect() {
    if (this.#phase === 'new' || this.#phase === 'over') return;
    this.#setDown();
    this.#open();
  }

  /** Whether another socket has said hello beside the one that serves: the server may read no more what is said on this one. */
  get isGreeting() {
    return this.#next !== null && this.#next === this.#unanswered;
  }

  /** Send a message; false when no welcomed socket takes it, it would cost us the socket, or too much was said: until `free`. */
  send(message) {
    if (this.#timers.has('hold') && !ALWAYS.has(message.type)) return false;
    if (this.#phase !== 'up' || this.#current.socket.readyState !== this.#WebSocketClass.OPEN) return false;
    return this.#write(this.#current, message);
  }

  /** Hang up: the place in the room is free at once. */
  leave() {
    if (this.#phase === 'over') return;
    this.send(protocol.leave());
    const current = this.#current;
    this.#closeRetired(protocol.HUNG_UP); // the server may still hold it for ours
    this.#end();
    current?.socket.close(protocol.HUNG_UP);
  }

  // A page can come back out of the browser's cache, so whoever shows the call must know that it is over.
  #pageGoes() {
    this.leave();
    this.#emit('stopped', { code: null });
  }

  #write({ socket }, message) {
    const text = JSON.stringify(message);
    // A code unit is at most 3 bytes in UTF-8; SDP is ASCII, so the exact count is needed hardly ever.
    if (text.length * 3 > protocol.MESSAGE_BYTES && new TextEncoder().encode(text).length > protocol.MESSAGE_BYTES) return false;
    socket.send(text);
    return true;
  }

  #open() {
    if (this.#phase === 'over') return;
    this.#stopTimers();
    this.#retire();
    this.#emit('trying', null);
    this.#current = this.#dial(() => this.#fail());
  }

  // A new socket that says hello; null when it has failed already. `fail` is called when it is not welcomed in time.
  #dial(fail) {
    this.#startTimer('welcome', WELCOME_MS, fail);
    let attempt;
    try {
      attempt = new Attempt(new this.#WebSocketClass(this.#url, [protocol.SUBPROTOCOL]));
    } catch {
      fail(); // a browser may refuse to make one, for instance while it is going offline
      return null;
    }
    const number = this.#opened;
    this.#opened += 1;
    attempt.on('open', () => this.#greet(attempt, number));
    attempt.on('message', ({ data }) => this.#receive(attempt, data));
    attempt.on('close', ({ code }) => this.#closed(attempt, code));
    return attempt;
  }

  #greet(attempt, number) {
    this.#greeted = this.#state;
    this.#unanswered = attempt;
    this.#write(attempt, protocol.hello({
      code: this.#code, resume: this.#token, replaces: this.#replaces, nonce: this.#nonce, state: this.#state, client: CLIENT, attempt: number,
    }));
  }

  #receive(attempt, text) {
    if (attempt === this.#current && this.#timers.has('pong')) this.#pingSoon(); // whatever it is, the socket is alive
    const message = protocol.parse(text);
    if (!message) return;
    if (message.type === 'welcome') return this.#welcomed(attempt, message);
    if (message.type === 'pong') return this.#ponged(message);
    if (message.type === 'reconnect') return this.#askedToMove(message);
    if (message.type === 'error' && protocol.mayEnd(message.code)) this.#refusedBy(attempt, message);
    if (attempt !== this.#current) return;
    if (message.type === 'error' && message.code === 'rate-limited') this.#hold(message);
    this.#emit('message', message);
  }

  #hold({ retry_after: seconds }) {
    this.#startTimer('hold', (seconds >= 1 ? seconds : 1) * 1000, () => this.#release());
  }

  #release() {
    this.#stopTimer('hold');
    this.#emit('free', null);
  }

  #refusedBy(attempt, error) {
    attempt.error = error;
    // Who was told `unavailable` may be let in all the same, when the server's store comes to it.
    if (attempt === this.#unanswered && error.code !== 'unavailable') this.#unanswered = null;
  }

  #welcomed(attempt, message) {
    if (attempt === this.#next) this.#takeOver();
    for (const name of ['welcome', 'move', 'hold']) this.#stopTimer(name);
    this.#closeRetired();
    this.#token = message.token;
    this.#replaces = null; // its work is done: a later join anew is of this page alone
    this.#nonce = drawNonce();
    this.#moveAt = -Infinity;
    this.#unanswered = null;
    this.#phase = 'up';
    this.#pingSoon();
    if (this.#state !== this.#greeted) this.send(protocol.state(this.#state)); // nothing but the hello reached this server
    this.#emit('welcome', message);
  }

  #ponged({ token }) {
    this.#attempt = 0; // only now: a server that welcomes and drops at once must not be asked again and again without a pause
    if (typeof token === 'string') this.#token = token;
    this.#pingSoon();
  }

  // Begun by a message, never by the ping before it: browsers slow a chain of timers in a hidden tab down to one a minute, and the
  // server would take that for silence.
  #pingSoon() {
    this.#stopTimer('pong');
    this.#startTimer('ping', PING_MS, () => this.#ping());
  }

  #askedToMove({ after_ms: afterMs }) {
    this.#moves = 0;
    this.#moveIn(Number.isFinite(afterMs) && afterMs >= 0 ? afterMs : delay(0, this.#random));
  }

  #moveIn(ms) {
    this.#moveAt = this.#clock.now() + ms;
    this.#startTimer('move', ms, () => this.#move());
  }

  #move() {
    if (this.#phase !== 'up') return this.reconnect();
    this.#dropNext();
    this.#next = this.#dial(() => this.#moveLater(null));
  }

  // The old socket serves on meanwhile.
  #moveLater(retryAfter) {
    this.#stopTimer('welcome');
    this.#dropNext();
    this.#moveIn(this.#wait(this.#moves, retryAfter));
    this.#moves += 1;
  }

  #takeOver() {
    const next = this.#next;
    this.#next = null;
    this.#stopTimer('pong');
    this.#retire();
    this.#current = next;
  }

  // The socket that served ended before the next one was welcomed.
  #cross(isOurs) {
    this.#current.forget();
    this.#current = this.#next;
    this.#next = null;
    this.#stopTimers();
    this.#startTimer('welcome', WELCOME_MS, () => this.#fail());
    if (isOurs) this.#phase = 'crossing';
    else this.#setDown();
  }

  #ping() {
    this.#pingId += 1;
    this.send(protocol.ping(this.#pingId));
    this.#startTimer('pong', PONG_MS, () => this.reconnect());
  }

  #closed(attempt, closeCode) {
    const { error } = attempt;
    const next = protocol.afterClose(closeCode, error?.code);
    const refusal = {
      code: error?.code ?? protocol.errorOf(closeCode),
      hint: error?.hint ?? null,
      retryAfter: error?.retry_after ?? null,
    };
    if (attempt === this.#next) return this.#couldNotMove(next, refusal.retryAfter);
    // Superseded by our own hello: the server may say so here before it says welcome there, or when that was lost.
    const isOurs = refusal.code === 'superseded' && this.#unanswered !== null && this.#unanswered !== attempt;
    if (this.#next && (isOurs || next === 'resume')) return this.#cross(isOurs);
    if (next === 'stop' && !isOurs) return this.#stop(refusal.code);
    if (next === 'tell') return this.#refuse(refusal);
    if (next === 'join-anew') this.#token = null;
    if (next !== 'join-anew' && refusal.retryAfter === null) return this.#fail();
    this.#emit('refused', { ...refusal, final: false });
    this.#lose(refusal.retryAfter);
  }

  // A refusal that another attempt would not change ends the moving, not the socket that serves.
  #couldNotMove(next, retryAfter) {
    if (next === 'resume') return this.#moveLater(retryAfter);
    this.#stopTimer('welcome');
    this.#dropNext();
  }

  #fail() {
    this.#emit('failed', null);
    this.#lose(null);
  }

  #lose(retryAfter) {
    this.#setDown();
    if (this.#phase === 'over') return; // a listener has hung up
    this.#stopTimers();
    this.#retire();
    const untilMove = this.#moveAt - this.#clock.now();
    this.#startTimer('retry', untilMove > 0 ? untilMove : this.#waitToRetry(retryAfter), () => this.#open());
  }

  #waitToRetry(retryAfter) {
    const wait = this.#wait(this.#attempt, retryAfter);
    this.#attempt += 1;
    return wait;
  }

  #wait(failures, retryAfter) {
    return delay(failures, this.#random, retryAfter === null ? null : retryAfter * 1000);
  }

  #stop(code) {
    this.#end();
    this.#emit('stopped', { code });
  }

  #refuse(refusal) {
    this.#end();
    this.#emit('refused', { ...refusal, final: true });
  }

  #setDown() {
    if (!this.up) return;
    this.#phase = 'down';
    this.#emit('down', null);
  }

  #end() {
    this.#phase = 'over';
    this.#stopTimers();
    this.#listening.abort();
    this.#current?.forget();
    this.#dropNext(protocol.HUNG_UP); // the server may hold it for ours already
    this.#closeRetired();
    this.#current = null;
  }

  #retire() {
    this.#dropNext();
    this.#current?.forget();
    this.#closeRetired();
    this.#retired = this.#current?.socket ?? null;
    this.#current = null;
    // Before the first welcome nobody knows the token of the member that it may have become: that one has to leave.
    if (this.#token === null) this.#closeRetired(protocol.HUNG_UP);
  }

  // Without a close code, as a rule: 1000 would say that we hang up.
  #closeRetired(...closeCode) {
    this.#retired?.close(...closeCode);
    this.#retired = null;
  }

  #dropNext(...closeCode) {
    this.#next?.forget();
    this.#next?.socket.close(...closeCode);
    this.#next = null;
  }

  #startTimer(name, ms, run) {
    this.#stopTimer(name);
    this.#timers.set(name, this.#clock.setTimeout(run, ms));
  }

  #stopTimer(name) {
    this.#clock.clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }

  #stopTimers() {
    for (const name of [...this.#timers.keys()]) this.#stopTimer(name);
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
