// One remote person: the peer connection to them, made, mended and made anew for as long as they are in the room.
//
// The two ends are not alike. The *later* one, who came into the room after the other, makes the first offer, is the impolite
// side of perfect negotiation, and alone decides that a peer connection is beyond help and builds another. Each peer connection
// has a stream (reliable.js) whose id the later one draws, so a message of a new stream tells the earlier one that the old
// peer connection is over. First offers that cross can stall ICE for good, in a way that an ICE restart does not cure; with
// these roles they cannot cross.
//
// Mending goes in steps: an ICE restart 1.5 s after the path broke (the earlier one first asks for it), again every 5 s, and when
// nothing helped for 15 s, a new peer connection. Some paths never report that they failed, so these steps are by the clock.

import { systemClock } from './clock.js';
import { Line } from './line.js';

const INTERRUPTED_MS = 1500; // disconnected for this long: restart ICE
const RESTART_MS = 5000; // no success after a restart: another
const REBUILD_MS = 15000; // not up this long after the first offer, or down this long: a new peer connection
const RESTART_PAUSE_MS = 2000; // asked again within this: the restart is under way
const DOUBT_MS = 10000; // a path that looks up after a renewal and breaks within this: the other end was gone before
const LOST_MS = 10000; // the member is lost and the path disconnected this long: gone
const ASKS_MOST = 8; // requests that nobody answers are not piled up
const ENDED_MOST = 32; // ids of ended streams to remember
const STREAM_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'; // 64, so 12 of them are 72 bits
const STREAM_LENGTH = 12;

/**
 * Events: `change` (link or remoteStream), `path` (known, or another), `state` (detail: what is seen of the other, said over the data channel), `gone` (detail: {reason}: 'bye' said so over the data channel; 'lost': the
 * member is lost and the media is dead too).
 */
export class Peer extends EventTarget {
  #id;
  #later;
  #ice;
  #local;
  #state;
  #send;
  #RTCPeerConnectionClass;
  #MediaStreamClass;
  #clock;
  #random;

  #line = null;
  #ended = new Set(); // ids of streams that are over; bounded
  #remote = null;
  #reachable = true;
  #isLost = false;
  #isClosed = false;
  #wasRebuilt = false;
  #hasFailed = false; // and the restart for that is under way
  #restartedAt = -Infinity;
  #doubtedUntil = -Infinity;
  #restarts = 0; // since the link was last up
  #link = 'connecting';
  #path = null;
  #timers = new Map(); // name -> timer

  /**
   * @param {object} options
   * @param {string} options.id the other's peer id
   * @param {boolean} options.later whether we are the later one of the two
   * @param {{iceServers: object[], iceTransportPolicy: 'all'|'relay'}} options.ice
   * @param {MediaStream|null} options.stream what we send
   * @param {object} options.state what is seen of us
   * @param {(envelope: object) => boolean} options.send to the other by the server; false when no socket takes it
   * @param {object} [options.clock] now, setTimeout, clearTimeout
   */
  constructor({
    id, later, ice, stream, state, send,
    RTCPeerConnectionClass = globalThis.RTCPeerConnection, MediaStreamClass = globalThis.MediaStream, clock = systemClock, random = Math.random,
  }) {
    super();
    this.#id = id;
    this.#later = later;
    this.#ice = ice;
    this.#local = stream;
    this.#state = state;
    this.#send = send;
    this.#RTCPeerConnectionClass = RTCPeerConnectionClass;
    this.#MediaStreamClass = MediaStreamClass;
    this.#clock = clock;
    this.#random = random;
  }

  get id() {
    return this.#id;
  }

  get later() {
    return this.#later;
  }

  /** @returns {'connecting'|'connected'|'interrupted'|'rebuilding'} */
  get link() {
    return this.#link;
  }

  /** Which way the packets go, while the link is up. @returns {'direct'|'relayed'|null} */
  get path() {
    return this.#link === 'connected' ? this.#path : null;
  }

  /** What the other sends: always the same MediaStream, through every peer connection. */
  get remoteStream() {
    this.#remote ??= new this.#MediaStreamClass();
    return this.#remote;
  }

  /** The RTCPeerConnection of this moment, for statistics only; null before there is one. */
  get pc() {
    return this.#line?.pc ?? null;
  }

  /** Make the first offer. For the later one; the earlier one waits for it. */
  open() {
    if (!this.#later || this.#line || this.#isClosed) return;
    this.#build(this.#drawStreamId());
  }

  /** Take in a signal or an ack that the server passed on. */
  receive(envelope) {
    if (this.#isClosed) return;
    if (envelope.stream !== this.#line?.id && !this.#opens(envelope)) return;
    this.#line.receive(envelope);
  }

  /** Whether the server can pass messages on to the other now: our socket is up, and the other is not away. */
  setReachable(reachable) {
    if (this.#reachable === reachable) return;
    this.#reachable = reachable;
    if (!reachable) return;
    if (this.#timers.has('rebuild')) this.#startTimer('rebuild', REBUILD_MS, () => this.#rebuild()); // its chance begins now
    this.resend();
  }

  /** Send again what was not acknowledged; after an own resume. */
  resend() {
    this.#line?.resend();
  }

  /** The other may have forgotten our stream: build anew what is not up, if that is ours to do; or what turns out not to be. */
  renew() {
    if (!this.#line) return;
    if (this.#line.state !== 'connected') return this.#rebuild();
    this.#doubtedUntil = this.#clock.now() + DOUBT_MS; // after a sleep it takes a browser some seconds to notice
  }

  setTracks(stream) {
    this.#local = stream;
    this.#line?.setTracks(stream);
  }

  /** Say what is seen of us over the data channel too, for the server may be out of reach: at once, or when there is one. */
  tell(state) {
    this.#state = state;
    this.#line?.tell(state);
  }

  /** Fresh credentials, or another policy: for the next ICE restart, and the next peer connection. */
  setIce(ice) {
    this.#ice = ice;
    this.#line?.setIce(ice);
  }

  restartIce() {
    this.#restartedAt = this.#clock.now();
    this.#line?.restartIce();
  }

  /** The member has lost its place (or has it back): stay while the media lives. */
  setLost(lost) {
    this.#isLost = lost;
    if (!lost) this.#stopTimer('lost');
    if (lost && !this.#line) this.#goneBy('lost');
    this.#look();
  }

  /** Say over the data channel that we leave, for the socket may be dead. True when it could be said; wait until it is out. */
  async bye() {
    const line = this.#line;
    if (!line?.hasDirect) return false;
    line.say({ bye: true });
    if (line.overflowed) return false;
    if (line.pending > 1) line.resend(); // what a dead socket has swallowed stands before it
    for (let rounds = 0; rounds < 10; rounds += 1) {
      await new Promise((resolve) => this.#clock.setTimeout(resolve, 50));
      if (!line.directBuffered) return true;
    }
    return true;
  }

  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const name of [...this.#timers.keys()]) this.#stopTimer(name);
    this.#line?.close();
    for (const track of this.#remote?.getTracks() ?? []) this.#remote.removeTrack(track);
  }

  // A message of a stream we do not know opens it, if we are the earlier one; an ack acknowledges nothing of ours there.
  #opens(envelope) {
    if (this.#later || this.#ended.has(envelope.stream) || envelope.seq === undefined) return false;
    this.#build(envelope.stream);
    return true;
  }

  #build(streamId) {
    this.#endLine();
    const line = new Line({
      streamId,
      later: this.#later,
      ice: this.#ice,
      local: this.#local,
      RTCPeerConnectionClass: this.#RTCPeerConnectionClass,
      clock: this.#clock,
      callbacks: {
        transmit: (envelope) => this.#transmit(envelope),
        hasPath: () => this.#reachable || (this.#line?.hasDirect ?? false),
        onLink: () => this.#look(),
        onDirect: () => this.#directOpened(line),
        onPath: (path) => this.#setPath(path),
        onTrack: (track) => this.#showTrack(track),
        onState: (state) => this.dispatchEvent(new CustomEvent('state', { detail: state })),
        onRestartAsked: () => this.#restartAsked(),
        onBye: () => this.#goneBy('bye'),
      },
    });
    this.#line = line;
    this.#look();
  }

  #directOpened(line) {
    line.tell(this.#state);
    if (!this.#reachable) line.resend(); // the only path, and a new one
  }

  #endLine() {
    for (const name of [...this.#timers.keys()]) this.#stopTimer(name);
    if (!this.#line) return;
    this.#ended.add(this.#line.id);
    if (this.#ended.size > ENDED_MOST) this.#ended.delete(this.#ended.values().next().value);
    this.#line.close();
    this.#line = null;
    this.#path = null;
    this.#wasRebuilt = true;
    this.#hasFailed = false;
    this.#restarts = 0;
    this.#doubtedUntil = -Infinity;
  }

  #rebuild() {
    if (!this.#later) return;
    if (!this.#reachable) return this.#startTimer('rebuild', REBUILD_MS, () => this.#rebuild()); // nobody would hear of it
    this.#build(this.#drawStreamId());
  }

  // The one place that draws conclusions from how the line is. It may be called at any time.
  #look() {
    if (this.#isClosed || !this.#line) return;
    if (this.#line.overflowed) return this.#giveUp();
    const { state } = this.#line;
    if (state === 'connected') this.#healthy();
    else if (this.#isLost) this.#waitForEnd(state);
    else this.#mend(state);
    this.#setLink();
  }

  #healthy() {
    for (const name of [...this.#timers.keys()]) this.#stopTimer(name);
    this.#restarts = 0;
    this.#hasFailed = false;
    this.#wasRebuilt = false;
  }

  #mend(state) {
    if (this.#later && this.#reachable && this.#clock.now() < this.#doubtedUntil) return this.#rebuild();
    this.#keepTimer('rebuild', REBUILD_MS, () => this.#rebuild());
    if (state === 'disconnected') this.#keepTimer('restart', INTERRUPTED_MS, () => this.#tryRestart());
    if (state !== 'failed' || this.#hasFailed) return;
    this.#hasFailed = true;
    this.#startTimer('restart', 0, () => this.#tryRestart());
  }

  #tryRestart() {
    this.#startTimer('restart', RESTART_MS, () => this.#tryRestart());
    const asks = !this.#later && this.#restarts % 2 === 0; // the earlier one asks first, and helps itself when that is in vain
    this.#restarts += 1;
    if (!asks) return this.restartIce();
    if (this.#line.pending < ASKS_MOST) this.#line.say({ restart: true });
  }

  #restartAsked() {
    if (this.#clock.now() - this.#restartedAt >= RESTART_PAUSE_MS) this.restartIce();
  }

  // The member has no place any more, so nothing can mend this.
  #waitForEnd(state) {
    if (state !== 'disconnected') return this.#goneBy('lost');
    this.#keepTimer('lost', LOST_MS, () => this.#goneBy('lost'));
  }

  // More is unacknowledged than may be. The later one begins anew; the earlier one lets go, which the other will notice.
  #giveUp() {
    if (this.#later && this.#reachable) return this.#build(this.#drawStreamId());
    this.#endLine();
    if (this.#later) this.#startTimer('rebuild', REBUILD_MS, () => this.#rebuild());
    this.#setLink();
  }

  #goneBy(reason) {
    this.close();
    this.dispatchEvent(new CustomEvent('gone', { detail: { reason } }));
  }

  #setLink() {
    const link = this.#linkNow();
    if (link === this.#link) return;
    this.#link = link;
    this.dispatchEvent(new Event('change'));
  }

  #setPath(path) {
    if (path === this.#path) return;
    this.#path = path;
    this.dispatchEvent(new Event('path'));
  }

  #linkNow() {
    if (this.#line?.state === 'connected') return 'connected';
    if (this.#line?.wasConnected) return 'interrupted';
    return this.#wasRebuilt ? 'rebuilding' : 'connecting';
  }

  #showTrack(track) {
    for (const old of this.remoteStream.getTracks()) {
      if (old.kind === track.kind && old !== track) this.remoteStream.removeTrack(old);
    }
    this.remoteStream.addTrack(track);
    this.dispatchEvent(new Event('change'));
  }

  // By the server where it reaches the other, else by the data channel. `seq` makes it harmless when both deliver.
  #transmit(envelope) {
    if (this.#reachable && this.#send(envelope)) return;
    this.#line?.sendDirect(envelope);
  }

  #drawStreamId() {
    const draw = () => STREAM_ALPHABET[Math.floor(this.#random() * STREAM_ALPHABET.length)];
    return Array.from({ length: STREAM_LENGTH }, draw).join('');
  }

  #keepTimer(name, ms, run) {
    if (!this.#timers.has(name)) this.#startTimer(name, ms, run);
  }

  #startTimer(name, ms, run) {
    this.#stopTimer(name);
    const fire = () => {
      this.#timers.delete(name);
      run();
    };
    this.#timers.set(name, this.#clock.setTimeout(fire, ms));
  }

  #stopTimer(name) {
    this.#clock.clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }
}
