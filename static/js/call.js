// One call: who is in the room, the peer connections to them, and the one word that says how the call is.
//
// Events: `change`, whenever `snapshot()` would answer something else.

import { systemClock } from './clock.js';
import { Peer } from './peer.js';
import { ack, completeState, later, lock, members, NO_STATE, report, signal, state } from './protocol.js';
import { Signaling } from './signaling.js';

const EARLY_MS = 10000; // signals from somebody not announced yet wait this long,
const EARLY_MOST = 64; // and no more of them than this
const OTHER_RESTARTS_MS = 5000; // both came back: the later one restarts ICE, the other one after this without success

export class Call extends EventTarget {
  #signaling;
  #media;
  #state;
  #peerOptions;
  #clock;
  #listening = new AbortController();

  #phase = 'new'; // 'new' | 'open' | 'refused' | 'ended'; `snapshot` says the rest
  #me = null; // {peer, stamp} once welcomed
  #people = new Map(); // peer id -> {id, stamp, state, away, lost, cameBackAt, tells, peer}; `tells`: over the data channel, what is seen of them
  #early = []; // {message, at}
  #farewells = new Set(); // peer ids of those who said over the data channel that they leave: the server may not have heard of it
  #iceServers = [];
  #relayOnly;
  #revision = 0;
  #hasAskedMembers = false;
  #capacity = null;
  #locked = false;
  #wantsLocked = null; // what we asked for, until the room has it
  #locksAgain = false; // the room began anew and open, and was locked before
  #since = null;
  #takesReports = false;
  #reported = null; // the path that the server has heard of in this call
  #refusal = null; // {code, hint, retryAt}: the moment that the server named, as long as that is to come
  #lastLeft = null;
  #restartTimers = new Set();

  /**
   * @param {object} options
   * @param {string} options.url of the signaling socket
   * @param {string} options.code
   * @param {object} options.state name, muted, camera, sharing, hand; muted and camera follow `media`
   * @param {object} options.media a Media, opened or not; the caller closes it
   * @param {string|null} [options.replaces]
   * @param {object|null} [options.unheard] what `unheard` said on the page before this one
   * @param {boolean} [options.relayOnly] through a relay or not at all, so that the others do not learn our address
   */
  constructor({
    url, code, state: shown, media, replaces = null, unheard = null, relayOnly = false, clock = systemClock, random = Math.random,
    WebSocketClass, RTCPeerConnectionClass, MediaStreamClass, page,
  }) {
    super();
    this.#media = media;
    this.#relayOnly = relayOnly;
    this.#clock = clock;
    this.#state = completeState({ ...shown, ...stateOf(media) });
    this.#peerOptions = { clock, random, RTCPeerConnectionClass, MediaStreamClass };
    this.#signaling = new Signaling({ url, code, state: this.#state, replaces, unheard, clock, random, WebSocketClass, page });
    this.#listen();
  }

  /** The newest resume token, for the page after a reload to replace us with; null before the first welcome. */
  get token() {
    return this.#signaling.token;
  }

  /** What the page after a reload has to know of us when we may have been let in and have not heard of it; else null. */
  get unheard() {
    return this.#signaling.unheard;
  }

  start() {
    if (this.#phase !== 'new') return;
    this.#phase = 'open';
    this.#signaling.connect();
    this.#changed();
  }

  /** Change what others see of us. */
  setState(changed) {
    const before = this.#state;
    this.#state = completeState({ ...before, ...changed });
    this.#signaling.state = this.#state;
    const news = Object.fromEntries(Object.entries(this.#state).filter(([name, value]) => value !== before[name]));
    if (Object.keys(news).length === 0 || this.#phase !== 'open' || !this.#me) return;
    for (const { peer } of this.#people.values()) peer.tell(this.#state);
    this.#signaling.send(state(news)); // when no socket takes it, the next `hello` says it
  }

  /** Lock the room, or unlock it. True when the request is out, else it follows; `snapshot().locked` does when the room has changed. */
  setLocked(locked) {
    this.#locksAgain = false;
    this.#wantsLocked = locked;
    return this.#askLock();
  }

  /** Call directly from now on: it was begun with `relayOnly`, and there is no relay, or it cannot be reached. */
  allowDirect() {
    if (!this.#relayOnly) return;
    this.#relayOnly = false;
    this.#setIce();
    for (const { peer } of this.#people.values()) peer.restartIce(); // which gathers addresses anew
    this.#changed();
  }

  /** Leave. Everybody hears of it: by the server, and by the data channels, for it may be out of reach. Idempotent. */
  async hangUp() {
    if (this.#phase === 'ended' || this.#phase === 'refused') return;
    this.#end('ended');
    this.#signaling.leave();
    const peers = [...this.#people.values()].map(({ peer }) => peer);
    this.#changed();
    await Promise.allSettled(peers.map((peer) => peer.bye())); // always: a dead socket can look alive for seconds
    this.#closePeople();
    this.#changed();
  }

  /**
   * How the call is, at this moment; all new objects but the streams.
   * `refusal` beside another phase than `refused` says why we are waiting, or what has become of an earlier place; its `retryAfter` is counted
   * from now.
   */
  snapshot() {
    return {
      phase: this.#phaseNow(),
      refusal: this.#refusalNow(),
      socket: this.#signaling.up ? 'up' : 'down',
      locked: this.#locked,
      capacity: this.#capacity,
      relayOnly: this.#relayOnly,
      hasRelays: this.#iceServers.some(isRelay),
      since: this.#since,
      lastLeft: this.#lastLeft && { ...this.#lastLeft },
      me: this.#me && { id: this.#me.peer, stamp: this.#me.stamp, state: { ...this.#state } },
      peers: [...this.#people.values()].sort((a, b) => (later(fullId(a), fullId(b)) ? 1 : -1)).map(({ id, stamp, state: shown, away, peer }) => (
        { id, stamp, state: { ...shown }, away, link: peer.link, stream: peer.remoteStream, pc: peer.pc }
      )),
    };
  }

  #phaseNow() {
    if (this.#phase === 'refused' || this.#phase === 'ended') return this.#phase;
    if (!this.#me) return 'joining';
    const links = [...this.#people.values()].map(({ peer }) => peer.link);
    if (links.length === 0) return 'waiting';
    if (this.#since === null) return 'connecting';
    return this.#signaling.up && links.includes('connected') ? 'connected' : 'reconnecting';
  }

  #refusalNow() {
    if (!this.#refusal) return null;
    const { retryAt, ...said } = this.#refusal;
    return { ...said, retryAfter: retryAt === null ? null : Math.max(0, Math.ceil((retryAt - this.#clock.now()) / 1000)) };
  }

  #listen() {
    const { signal: until } = this.#listening;
    const on = (target, type, handle) => target.addEventListener(type, handle, { signal: until });
    on(this.#signaling, 'welcome', ({ detail }) => this.#welcomed(detail));
    on(this.#signaling, 'message', ({ detail }) => this.#receive(detail));
    on(this.#signaling, 'free', () => this.#sayAgain());
    on(this.#signaling, 'down', () => this.#socketDown());
    on(this.#signaling, 'trying', () => this.#trying());
    on(this.#signaling, 'failed', () => this.#failed());
    on(this.#signaling, 'refused', ({ detail }) => this.#refused(detail));
    on(this.#signaling, 'stopped', ({ detail }) => this.#stopped(detail));
    on(this.#media, 'tracks', () => this.#updateTracks());
    on(this.#media, 'change', () => this.#updateState());
  }

  #updateTracks() {
    for (const { peer } of this.#people.values()) peer.setTracks(this.#media.stream);
  }

  #updateState() {
    this.setState(stateOf(this.#media));
    this.#changed();
  }

  #welcomed(message) {
    const { peer, stamp, resumed, ice_servers: iceServers, capacity, locked, revision } = message;
    const isSame = this.#me?.peer === peer;
    if (isSame) this.#forgetPaths();
    else this.#closePeople(); // with a new peer id, the old peer connections are nobody's
    this.#me = { peer, stamp };
    this.#refusal = null;
    this.#capacity = capacity ?? null;
    const beganAnew = isSame && !resumed && revision < this.#revision;
    if (beganAnew && this.#locked && this.#wantsLocked !== false && this.#people.size > 0) this.#locksAgain = true;
    this.#listLock(locked === true);
    this.#setIceServers(iceServers);
    this.#takeMembers(revision, message.members);
    this.#takesReports = Array.isArray(message.features) && message.features.includes('report');
    if (!resumed) this.#reported = null; // the call may have ended without us
    this.#reportPath();
    this.#askLock();
    if (isSame) this.#cameBack(resumed === true);
    this.#lockAgain();
    this.#changed();
  }

  // What was refused, or held back, since too much was said. The streams repeat their signals by themselves.
  #sayAgain() {
    this.#signaling.send(state(this.#state));
    this.#askMembers();
    this.#askLock();
    this.#reportPath();
  }

  // What went into the socket before may be lost, even if that was never seen to be down: once reachable again, it is sent again.
  #forgetPaths() {
    for (const { peer } of this.#people.values()) peer.setReachable(false);
  }

  // To a place that was kept; or to a new one, and then the others may have forgotten our streams.
  #cameBack(wasKept) {
    for (const person of this.#people.values()) {
      if (wasKept) this.#restartIce(person);
      else person.peer.renew();
    }
  }

  // If the other one came back as well, only the later of us restarts at once; two restarts at once would cross.
  #restartIce({ away, cameBackAt, peer }) {
    const otherToo = away || this.#clock.now() - cameBackAt < OTHER_RESTARTS_MS;
    if (!otherToo || peer.later) return peer.restartIce();
    const timer = this.#clock.setTimeout(() => {
      this.#restartTimers.delete(timer);
      if (peer.link !== 'connected') peer.restartIce();
    }, OTHER_RESTARTS_MS);
    this.#restartTimers.add(timer);
  }

  #socketDown() {
    for (const person of this.#people.values()) this.#setReachable(person);
    this.#forgetWhoLeft();
    this.#changed();
  }

  #refused({ final, code, hint, retryAfter }) {
    this.#refusal = { code, hint, retryAt: retryAfter === null ? null : this.#clock.now() + retryAfter * 1000 };
    if (final) {
      this.#end('refused');
      this.#closePeople();
    }
    this.#changed();
  }

  // While an attempt is under way, why the last one was refused still stands; when the next one is to be does not.
  #trying() {
    if (!this.#refusal) return;
    this.#refusal.retryAt = null;
    this.#changed();
  }

  // What a server said before may not be the reason any more.
  #failed() {
    if (!this.#refusal) return;
    this.#refusal = null;
    this.#changed();
  }

  #stopped({ code }) {
    this.#refusal = code ? { code, hint: null, retryAt: null } : null;
    this.#end('ended');
    this.#closePeople();
    this.#changed();
  }

  #end(phase) {
    this.#phase = phase;
    this.#listening.abort();
    for (const timer of this.#restartTimers) this.#clock.clearTimeout(timer);
    this.#restartTimers.clear();
  }

  #receive(message) {
    const handle = this.#handlers[message.type];
    if (!handle || !this.#me) return;
    handle(message);
    this.#lockAgain();
    this.#changed();
  }

  #handlers = {
    __proto__: null, // a type is whatever the server says
    joined: (message) => this.#applies(message) && this.#joined(message.member),
    away: (message) => this.#applies(message) && this.#setAway(message.peer, true),
    back: (message) => this.#applies(message) && this.#setAway(message.peer, false),
    left: (message) => this.#applies(message) && this.#left(message),
    state: (message) => this.#applies(message) && this.#showState(message),
    lock: (message) => this.#applies(message) && this.#setLock(message.locked),
    members: (message) => this.#takeList(message),
    signal: (message) => this.#deliver(message),
    ack: (message) => this.#deliver(message),
    ice: ({ ice_servers: iceServers }) => this.#setIceServers(iceServers),
    error: (message) => this.#complained(message),
  };

  // Whether an event is news. One that skips a revision is, but shows that we missed something.
  #applies({ revision }) {
    if (revision <= this.#revision) return false;
    if (revision > this.#revision + 1) this.#askMembers();
    this.#revision = revision;
    return true;
  }

  #askMembers() {
    if (this.#hasAskedMembers) return;
    this.#hasAskedMembers = this.#signaling.send(members());
  }

  #takeList({ revision, members: list, locked }) {
    this.#hasAskedMembers = false;
    if (revision < this.#revision) return this.#askMembers(); // overtaken by an event that we have applied
    if (typeof locked === 'boolean') this.#listLock(locked);
    this.#takeMembers(revision, list);
  }

  #takeMembers(revision, list) {
    this.#hasAskedMembers = false;
    this.#revision = revision;
    const listed = new Set(list.map(({ peer }) => peer));
    for (const { id } of [...this.#people.values()]) {
      if (!listed.has(id)) this.#left({ peer: id, reason: 'lost' });
    }
    for (const member of list) this.#announce(member);
  }

  #joined(member) {
    const known = this.#people.get(member.peer);
    if (known) known.lost = true; // without our hearing of it, and it may have forgotten our stream
    this.#announce(member);
  }

  #announce({ peer: id, stamp, away, state: shown }) {
    if (id === this.#me.peer || this.#farewells.has(id)) return; // a list may hold us as well, and a place is kept for a while
    const person = this.#people.get(id) ?? this.#meet(id, stamp);
    const wasLost = person.lost;
    person.away = away === true;
    if (!this.#isNewer(person)) person.state = completeState(shown);
    person.lost = false;
    person.peer.setLost(false);
    this.#setReachable(person);
    this.#replayEarly(id);
    person.peer.open(); // the later one of the two does; again is nothing
    if (wasLost) person.peer.renew();
  }

  #meet(id, stamp) {
    const peer = new Peer({
      ...this.#peerOptions,
      id,
      later: later(this.#me, { peer: id, stamp }),
      ice: this.#ice,
      stream: this.#media.stream,
      state: this.#state,
      send: (envelope) => this.#signaling.send('seq' in envelope ? signal(id, envelope) : ack(id, envelope)),
    });
    const person = { id, stamp, state: NO_STATE, away: false, lost: false, cameBackAt: -Infinity, tells: false, peer };
    peer.addEventListener('change', () => this.#linkChanged(person));
    peer.addEventListener('path', () => this.#reportPath());
    peer.addEventListener('state', ({ detail }) => this.#told(person, detail));
    peer.addEventListener('gone', ({ detail }) => this.#gone(person, detail.reason));
    this.#people.set(id, person);
    this.#lastLeft = null;
    return person;
  }

  #linkChanged(person) {
    if (this.#people.get(person.id) !== person) return;
    const isUp = [...this.#people.values()].some(({ peer }) => peer.link === 'connected');
    if (isUp) this.#since ??= this.#clock.now();
    else this.#forgetWhoLeft();
    this.#reportPath();
    this.#changed();
  }

  // The line is being lost, and when it is back that is no news any more. Who is alone still waits for them.
  #forgetWhoLeft() {
    if (this.#people.size > 0) this.#lastLeft = null;
  }

  // Once in each call, and again when it comes to be relayed. What cannot be sent now, or may not be read, is sent after the next welcome.
  #reportPath() {
    const paths = [...this.#people.values()].map(({ peer }) => peer.path).filter((path) => path !== null);
    const path = paths.includes('relayed') ? 'relayed' : paths[0];
    if (!path || !this.#takesReports || this.#reported === 'relayed' || this.#reported === path) return;
    if (this.#signaling.send(report(path)) && !this.#signaling.isGreeting) this.#reported = path;
  }

  #setAway(id, away) {
    const person = this.#people.get(id);
    if (this.#farewells.has(id)) return;
    if (!person) return this.#askMembers(); // somebody we have not heard of
    const wasAway = person.away;
    if (wasAway && !away) person.cameBackAt = this.#clock.now();
    person.away = away;
    this.#setReachable(person); // which sends again what was dropped in between,
    if (!wasAway && !away) person.peer.resend(); // but knows of no gap if we never saw `away`
  }

  #setReachable({ away, lost, peer }) {
    peer.setReachable(this.#signaling.up && !away && !lost);
  }

  #left({ peer: id, reason }) {
    const person = this.#people.get(id);
    if (!person) return;
    if (reason !== 'lost') return this.#remove(person, reason ?? 'hung-up');
    person.lost = true;
    person.away = true;
    this.#setReachable(person);
    person.peer.setLost(true); // says `gone`, now or later
  }

  #gone(person, reason) {
    if (this.#people.get(person.id) !== person) return;
    if (reason === 'bye') this.#farewells.add(person.id);
    this.#remove(person, reason === 'bye' ? 'hung-up' : 'lost');
    this.#lockAgain();
    this.#changed();
  }

  #remove(person, reason) {
    this.#people.delete(person.id);
    person.peer.close();
    this.#lastLeft = { reason, name: person.state.name };
    if (this.#people.size === 0) this.#since = this.#reported = null; // who comes next begins a new call
  }

  #showState({ peer: id, state: shown }) {
    const person = this.#people.get(id);
    if (person) person.state = completeState(shown);
  }

  // By the server or over the data channel: what comes last is newest.
  #told(person, shown) {
    person.tells = true;
    person.state = completeState(shown);
    this.#changed();
  }

  // Whether what we know somebody shows is newer than any list: they have lost the server, and tell us themselves.
  #isNewer({ away, tells, peer }) {
    return away && tells && peer.link === 'connected';
  }

  // Somebody has turned it, and that is newer than what we wanted.
  #setLock(locked) {
    this.#locked = locked;
    this.#wantsLocked = null;
    this.#locksAgain = false;
  }

  // How it is may be older than what we wanted.
  #listLock(locked) {
    this.#locked = locked;
    if (locked === this.#wantsLocked) this.#wantsLocked = null;
    if (locked) this.#locksAgain = false;
  }

  // A server that has forgotten the room, or where everybody's place had run out, opens it anew. Whom we still see and who has no place yet
  // would be locked out.
  #lockAgain() {
    if (!this.#locksAgain || [...this.#people.values()].some(({ lost }) => lost)) return;
    this.#locksAgain = false;
    if (this.#people.size > 0) this.setLocked(true);
  }

  #askLock() {
    return this.#wantsLocked !== null && this.#signaling.send(lock(this.#wantsLocked));
  }

  #setIceServers(iceServers) {
    this.#iceServers = Array.isArray(iceServers) ? iceServers : [];
    this.#setIce();
  }

  #setIce() {
    for (const { peer } of this.#people.values()) peer.setIce(this.#ice);
  }

  get #ice() {
    return { iceServers: this.#iceServers, iceTransportPolicy: this.#relayOnly ? 'relay' : 'all' };
  }

  #deliver(message) {
    const person = this.#people.get(message.from);
    if (person) return person.peer.receive(message);
    if (message.type !== 'signal') return;
    this.#forgetEarly();
    if (this.#early.length < EARLY_MOST) this.#early.push({ message, at: this.#clock.now() });
  }

  #replayEarly(id) {
    this.#forgetEarly();
    const mine = this.#early.filter(({ message }) => message.from === id);
    this.#early = this.#early.filter(({ message }) => message.from !== id);
    for (const { message } of mine) this.#people.get(id)?.peer.receive(message);
  }

  #forgetEarly() {
    const oldest = this.#clock.now() - EARLY_MS;
    this.#early = this.#early.filter(({ at }) => at > oldest);
  }

  #complained({ code, to }) {
    if (code === 'rate-limited') this.#hasAskedMembers = false; // it may have been that question
    if (code === 'unknown-peer') this.#left({ peer: to, reason: 'lost' });
  }

  #closePeople() {
    for (const { peer } of this.#people.values()) peer.close();
    this.#people.clear();
    this.#farewells.clear();
    this.#early = [];
    this.#since = this.#reported = null;
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}

const fullId = ({ id, stamp }) => ({ peer: id, stamp });

const isRelay = ({ urls }) => [urls].flat().some((url) => /^turns?:/.test(url));

function stateOf(media) {
  return { muted: media.microphone !== 'on', camera: media.camera === 'on' };
}
