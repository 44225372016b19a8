// One RTCPeerConnection with its stream of signals: what is negotiated, what is sent, which way it goes.
//
// Both ends send and receive one audio and one video, negotiated in the first offer even while there is nothing to send. What
// a camera or a shared screen shows later is put into the sender (`replaceTrack`) without any negotiation, so two people who
// switch their cameras on in the same moment do not meet in it. What is left to negotiate is the ICE restart.
//
// Everything that touches signalingState runs on one promise chain: a message is handled when the one before it is done.

import { decide } from './negotiation.js';
import { direct, directState, parseDirect } from './protocol.js';
import { Stream } from './reliable.js';

const CANDIDATES_MS = 50; // candidates made within this go in one message
const DATA_CHANNEL = { label: 'gruveo.v1', options: { negotiated: true, id: 0, ordered: true } };

const configuration = (ice) => ({ ...ice, bundlePolicy: 'max-bundle' });

/**
 * One RTCPeerConnection with its stream. `Peer` owns it, and gives it callbacks: `transmit(envelope)`, `hasPath()` (whether
 * anything leads to the other end), `onLink()` (its state may be another), `onDirect()` (the data channel is open),
 * `onPath('direct'|'relayed')` (it is up, or goes another way now), `onTrack(track)`, `onState(state)` (what is seen of the other, as the other
 * says), `onRestartAsked()` and `onBye()`.
 */
export class Line {
  #pc;
  #later;
  #local;
  #clock;
  #callbacks;
  #stream;
  #dataChannel = null;
  #hasBegun = false; // the first offer is out, or taken in: before that the earlier one must not negotiate
  #makingOffer = false;
  #settingAnswer = false;
  #ignoring = false;
  #wasConnected = false;
  #candidates = [];
  #chain = Promise.resolve();
  #candidatesTimer;
  #streamTimer;
  #isClosed = false;

  constructor({ streamId, later, ice, local, RTCPeerConnectionClass, clock, callbacks }) {
    this.#stream = new Stream(streamId);
    this.#later = later;
    this.#local = local;
    this.#clock = clock;
    this.#callbacks = callbacks;
    this.#pc = makeConnection(RTCPeerConnectionClass, ice);
    this.#pc.onnegotiationneeded = () => this.#queue(() => this.#negotiate());
    this.#pc.onicecandidate = ({ candidate }) => this.#gather(candidate);
    this.#pc.onconnectionstatechange = () => this.#linkChanged();
    this.#pc.ontrack = ({ track }) => callbacks.onTrack(track);
    if (later) this.#openFirst();
  }

  get id() {
    return this.#stream.id;
  }

  /** @returns {'connecting'|'connected'|'disconnected'|'failed'} */
  get state() {
    const state = this.#pc.connectionState;
    if (state === 'connected' || state === 'failed') return state;
    if (state === 'closed') return 'failed';
    if (state === 'disconnected') return 'disconnected';
    return this.#wasConnected ? 'disconnected' : 'connecting'; // 'connecting' again is what some say during an ICE restart
  }

  get wasConnected() {
    return this.#wasConnected;
  }

  get hasBegun() {
    return this.#hasBegun;
  }

  get pending() {
    return this.#stream.pending;
  }

  get overflowed() {
    return this.#stream.overflowed;
  }

  /** The RTCPeerConnection itself, for statistics. */
  get pc() {
    return this.#pc;
  }

  say(body) {
    if (this.#isClosed) return;
    const envelope = this.#stream.send(body, this.#clock.now());
    if (envelope) this.#transmit(envelope);
    else this.#callbacks.onLink(); // overflowed: the owner looks
    this.#schedule();
  }

  receive(envelope) {
    for (const body of this.#stream.receive(envelope, this.#clock.now())) this.#queue(() => this.#handle(body));
    this.#schedule();
  }

  /** Send everything unacknowledged again: a path has come back. */
  resend() {
    for (const envelope of this.#stream.resend(this.#clock.now())) this.#transmit(envelope);
    this.#schedule();
  }

  /** Send by the data channel; false when it is not open. */
  sendDirect(envelope) {
    return this.#sayDirectly(direct(envelope));
  }

  /** Say what is seen of us by the data channel; false when it is not open. */
  tell(state) {
    return this.#sayDirectly(directState(state));
  }

  #sayDirectly(message) {
    if (this.#dataChannel?.readyState !== 'open') return false;
    try {
      this.#dataChannel.send(JSON.stringify(message));
      return true;
    } catch {
      return false; // its buffer is full, or it has just closed
    }
  }

  get hasDirect() {
    return this.#dataChannel?.readyState === 'open';
  }

  get directBuffered() {
    return this.#dataChannel?.bufferedAmount ?? 0;
  }

  restartIce() {
    if (this.#hasBegun && !this.#isClosed) this.#pc.restartIce();
  }

  setIce(ice) {
    try {
      this.#pc.setConfiguration(configuration(ice));
    } catch {
      // closed meanwhile, or servers this browser cannot read: the old ones serve on
    }
  }

  setTracks(local) {
    this.#local = local;
    this.#queue(() => this.#attach());
  }

  close() {
    this.#isClosed = true;
    this.#clock.clearTimeout(this.#candidatesTimer);
    this.#clock.clearTimeout(this.#streamTimer);
    for (const name of ['onnegotiationneeded', 'onicecandidate', 'onconnectionstatechange', 'ontrack']) this.#pc[name] = null;
    if (this.#dataChannel) this.#dataChannel.onmessage = this.#dataChannel.onopen = null;
    this.#pc.close();
  }

  #openFirst() {
    this.#openDataChannel();
    for (const kind of ['audio', 'video']) {
      this.#pc.addTransceiver(this.#localTrack(kind) ?? kind, this.#sending());
    }
  }

  // The same id at both ends, so no event announces it. The earlier one opens it after the first offer: before, it
  // would be something to negotiate.
  #openDataChannel() {
    if (this.#dataChannel) return;
    this.#dataChannel = this.#pc.createDataChannel(DATA_CHANNEL.label, DATA_CHANNEL.options);
    this.#dataChannel.onmessage = ({ data }) => this.#receiveDirect(data);
    this.#dataChannel.onopen = () => this.#directOpened();
  }

  #directOpened() {
    const transport = this.#pc.sctp?.transport?.iceTransport; // the only one, with `max-bundle`; not every browser shows it
    if (transport) transport.onselectedcandidatepairchange = () => this.#tellPath();
    this.#callbacks.onDirect();
  }

  #receiveDirect(text) {
    const message = parseDirect(text);
    if (message?.type === 'state') return this.#callbacks.onState(message.state);
    if (message?.stream === this.id) this.receive(message);
  }

  async #handle(body) {
    if (typeof body !== 'object' || body === null) return;
    if (body.description) return this.#take(body.description);
    if (Array.isArray(body.candidates)) return this.#addCandidates(body.candidates);
    if (body.restart === true) return this.#callbacks.onRestartAsked();
    if (body.bye === true) return this.#callbacks.onBye();
  }

  async #negotiate() {
    if (!this.#later && !this.#hasBegun) return;
    if (this.#decide('needed') !== 'make-offer') return;
    await this.#describe();
  }

  async #take(description) {
    if (!['offer', 'answer'].includes(description.type)) return;
    const action = this.#decide(description.type);
    this.#ignoring = action === 'ignore';
    if (action === 'apply') return this.#setAnswer(description);
    if (action !== 'answer' && action !== 'yield') return;
    await this.#pc.setRemoteDescription(description); // for 'yield' this rolls our own offer back
    if (!this.#later) this.#openDataChannel();
    await this.#attach();
    await this.#describe();
  }

  async #setAnswer(description) {
    this.#settingAnswer = true;
    try {
      await this.#pc.setRemoteDescription(description);
    } finally {
      this.#settingAnswer = false;
    }
  }

  // An offer or an answer, whichever is in place.
  async #describe() {
    this.#makingOffer = true;
    try {
      await this.#pc.setLocalDescription();
    } finally {
      this.#makingOffer = false;
    }
    const { type, sdp } = this.#pc.localDescription;
    this.say({ description: { type, sdp } });
    this.#hasBegun = true;
    this.#callbacks.onLink();
  }

  async #addCandidates(candidates) {
    if (!['apply', 'try'].includes(this.#decide('candidates'))) return;
    for (const candidate of candidates) {
      // One that cannot be added (an ignored offer's, an older generation's, a kind this browser lacks) is one path less.
      await this.#pc.addIceCandidate(candidate).catch(() => undefined);
    }
  }

  #decide(event) {
    return decide({
      event,
      polite: !this.#later,
      signalingState: this.#pc.signalingState,
      makingOffer: this.#makingOffer,
      settingAnswer: this.#settingAnswer,
      ignoring: this.#ignoring,
    });
  }

  // Puts what we have into the two senders. The first transceiver of a kind is ours to use, whoever made it.
  async #attach() {
    if (!this.#later && this.#pc.signalingState === 'stable' && !this.#hasBegun) return; // after the first offer
    for (const kind of ['audio', 'video']) await this.#attachKind(kind, this.#localTrack(kind) ?? null);
  }

  async #attachKind(kind, track) {
    const transceiver = this.#pc.getTransceivers().find(({ receiver, direction }) => receiver.track.kind === kind && direction !== 'stopped');
    if (!transceiver) return this.#addKind(track);
    if (transceiver.direction !== 'sendrecv') {
      transceiver.direction = 'sendrecv';
      transceiver.sender.setStreams?.(...this.#sending().streams);
    }
    if (transceiver.sender.track !== track) await transceiver.sender.replaceTrack(track);
  }

  // A client that offers no video at first: ours then is a change to negotiate.
  #addKind(track) {
    if (track) this.#pc.addTransceiver(track, this.#sending());
  }

  // One stream for both kinds, so that the other end keeps lips and voice together.
  #sending() {
    return { direction: 'sendrecv', streams: this.#local ? [this.#local] : [] };
  }

  #localTrack(kind) {
    return this.#local?.getTracks().find((track) => track.kind === kind);
  }

  #gather(candidate) {
    if (!candidate) return; // the end of all gathering says nothing about a generation; an empty candidate does
    const { candidate: text, sdpMid, sdpMLineIndex, usernameFragment } = candidate;
    this.#candidates.push({ candidate: text, sdpMid, sdpMLineIndex, usernameFragment });
    if (this.#candidates.length > 1) return;
    this.#candidatesTimer = this.#clock.setTimeout(() => this.#queue(() => this.#sendCandidates()), CANDIDATES_MS);
  }

  // On the chain, so never before the description that they belong to.
  async #sendCandidates() {
    const candidates = this.#candidates.splice(0);
    if (candidates.length > 0) this.say({ candidates });
  }

  #linkChanged() {
    if (this.#pc.connectionState === 'connected') {
      this.#wasConnected = true;
      this.#tellPath();
    }
    this.#callbacks.onLink();
  }

  async #tellPath() {
    const stats = await this.#pc.getStats().catch(() => []); // closed meanwhile
    const path = pathOf(stats);
    if (path && !this.#isClosed) this.#callbacks.onPath(path);
  }

  #transmit(envelope) {
    this.#callbacks.transmit(envelope);
  }

  // Without a path nothing is repeated; `resend` comes when there is one.
  #schedule() {
    this.#clock.clearTimeout(this.#streamTimer);
    const at = this.#stream.nextAt();
    if (this.#isClosed || at === Infinity || !this.#callbacks.hasPath()) return;
    this.#streamTimer = this.#clock.setTimeout(() => this.#sendDue(), Math.max(0, at - this.#clock.now()));
  }

  #sendDue() {
    for (const envelope of this.#stream.due(this.#clock.now())) this.#transmit(envelope);
    this.#schedule();
  }

  // A step that fails (a description this browser refuses) leaves the connection down; the clock of the later one mends that.
  #queue(step) {
    this.#chain = this.#chain.then(() => (this.#isClosed ? undefined : step())).catch(() => undefined);
  }
}

// A browser that cannot read the servers does without any: two in one network still meet.
function makeConnection(RTCPeerConnectionClass, ice) {
  try {
    return new RTCPeerConnectionClass(configuration(ice));
  } catch {
    return new RTCPeerConnectionClass(configuration({ ...ice, iceServers: [] }));
  }
}

/**
 * Which way the packets go, by the selected pair of candidates; null when the statistics do not name it.
 * @returns {'direct'|'relayed'|null}
 */
function pathOf(stats) {
  const byId = new Map([...stats.values()].map((entry) => [entry.id, entry]));
  const entries = [...byId.values()];
  const transport = entries.find(({ type, selectedCandidatePairId }) => type === 'transport' && selectedCandidatePairId);
  const pair = byId.get(transport?.selectedCandidatePairId) ?? entries.find(({ type, selected }) => type === 'candidate-pair' && selected); // Firefox
  if (!pair) return null;
  const ends = [pair.localCandidateId, pair.remoteCandidateId].map((id) => byId.get(id)?.candidateType);
  return ends.includes('relay') ? 'relayed' : 'direct';
}
