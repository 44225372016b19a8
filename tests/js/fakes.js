// Stand-ins for what a browser and a server give: a clock, sockets with a small server behind them, peer connections, devices.
// No module of Node is used, so that the same fakes run inside a browser.

/** Let everything that waits for promises only go on. */
export async function settle() {
  for (let round = 0; round < 60; round += 1) await null;
}

/** A repeatable source of numbers from 0 up to, not including, 1 (mulberry32). */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class FakeClock {
  #now = 1_000_000;
  #timers = new Map();
  #lastId = 0;

  now = () => this.#now;

  setTimeout = (run, ms) => {
    this.#lastId += 1;
    this.#timers.set(this.#lastId, { run, at: this.#now + ms });
    return this.#lastId;
  };

  clearTimeout = (id) => this.#timers.delete(id);

  get waiting() {
    return this.#timers.size;
  }

  /** Let this much time pass, with every timer in its order. */
  async advance(ms) {
    const end = this.#now + ms;
    await settle();
    for (let next = this.#next(end); next; next = this.#next(end)) {
      const [id, { run, at }] = next;
      this.#timers.delete(id);
      this.#now = Math.max(this.#now, at);
      run();
      await settle();
    }
    this.#now = end;
  }

  #next(end) {
    const due = [...this.#timers].filter(([, { at }]) => at <= end);
    return due.sort(([a, one], [b, two]) => one.at - two.at || a - b)[0];
  }
}

/** Sockets that a test opens, feeds and closes by hand. `sockets()` makes a class of its own for each test. */
export function sockets() {
  return class FakeWebSocket extends EventTarget {
    static CONNECTING = 0;
    static OPEN = 1;
    static CLOSING = 2;
    static CLOSED = 3;
    static all = [];
    static get newest() {
      return this.all.at(-1);
    }

    readyState = 0;
    sent = [];
    closedWith = null;
    answersPings = false;

    constructor(url, protocols) {
      super();
      Object.assign(this, { url, protocols });
      new.target.all.push(this);
    }

    open() {
      this.readyState = 1;
      this.dispatchEvent(new Event('open'));
    }

    hear(message) {
      const data = typeof message === 'string' ? message : JSON.stringify(message);
      this.dispatchEvent(Object.assign(new Event('message'), { data }));
    }

    drop(code = 1006) {
      this.readyState = 3;
      this.dispatchEvent(Object.assign(new Event('close'), { code }));
    }

    send(text) {
      const message = JSON.parse(text);
      this.sent.push(message);
      if (this.answersPings && message.type === 'ping') queueMicrotask(() => this.hear({ type: 'pong', id: message.id }));
    }

    close(code) {
      this.closedWith = code ?? 'no code';
      this.readyState = 2;
    }

    sentOf(type) {
      return this.sent.filter((message) => message.type === type);
    }
  };
}

/**
 * A small server with one room, and the socket class that leads to it. `faults` may be changed at any time:
 * `mute` drops all that goes either way while sockets look open; `unreachable` lets no socket open.
 */
export class FakeServer {
  faults = { mute: false, unreachable: false };
  members = new Map(); // peer id -> {peer, stamp, away, state, socket, token}
  #lost = new Map(); // token -> member that did not come back in time, or that the server has forgotten
  sockets = new Set();
  revision = 0;
  locked = false;
  capacity = 6;
  drop = () => false; // (message) => whether a signal or an ack is lost
  iceServers = [];
  features = ['lock', 'report', 'resume', 'state'];
  reports = []; // {peer, path}
  #count = 0;

  get WebSocketClass() {
    const server = this;
    return class extends EventTarget {
      static OPEN = 1;
      readyState = 0;

      constructor() {
        super();
        server.sockets.add(this);
        queueMicrotask(() => this.#connect());
      }

      #connect() {
        if (this.readyState !== 0) return;
        if (server.faults.unreachable) return this.end(1006);
        this.readyState = 1;
        this.dispatchEvent(new Event('open'));
      }

      send(text) {
        if (this.readyState === 1 && !server.faults.mute) queueMicrotask(() => server.hear(this, JSON.parse(text)));
      }

      say(message) {
        const data = JSON.stringify(message);
        queueMicrotask(() => {
          if (this.readyState === 1 && !server.faults.mute) this.dispatchEvent(Object.assign(new Event('message'), { data }));
        });
      }

      close(code = 1005) {
        this.end(code);
      }

      end(code) {
        if (this.readyState === 3) return;
        this.readyState = 3;
        server.sockets.delete(this);
        server.ended(this, code);
        queueMicrotask(() => this.dispatchEvent(Object.assign(new Event('close'), { code })));
      }
    };
  }

  hear(socket, message) {
    const member = this.#memberOf(socket);
    if (message.type === 'hello') return this.#hello(socket, message);
    if (!member) return;
    if (message.type === 'ping') return socket.say({ type: 'pong', id: message.id });
    if (message.type === 'members') return socket.say(this.list(member));
    if (message.type === 'leave') return this.#leave(member, 'hung-up');
    if (message.type === 'lock') return this.#lock(message.locked, member);
    if (message.type === 'state') return this.#state(member, message);
    if (message.type === 'report') return this.reports.push({ peer: member.peer, path: message.path });
    return this.#pass(member, message);
  }

  ended(socket, code) {
    const member = this.#memberOf(socket);
    if (!member) return;
    if (code === 1000 || code === 1001) return this.#leave(member, 'hung-up');
    member.socket = null;
    member.away = true;
    this.tell({ type: 'away', peer: member.peer }, member);
  }

  /** The place of a member that did not come back. */
  lose(peer) {
    const member = this.members.get(peer);
    this.#lost.set(member.token, member);
    this.#leave(member, 'lost');
  }

  /** Somebody taken out: whose token serves no more. */
  remove(peer) {
    this.#leave(this.members.get(peer), 'removed');
  }

  /** A restart: all sockets end, and nothing is known any more but what tokens say. */
  restart() {
    const members = [...this.members.values()];
    this.members.clear();
    this.revision = 0;
    this.locked = false;
    for (const member of members) {
      this.#lost.set(member.token, member);
      const { socket } = member;
      member.socket = null;
      socket?.end(1012);
    }
  }

  refuse(socket, code, close, more = {}) {
    socket.say({ type: 'error', code, text: '', ...more });
    queueMicrotask(() => queueMicrotask(() => socket.end(close)));
  }

  tell(message, except) {
    this.revision += 1;
    for (const member of this.members.values()) {
      if (member !== except) member.socket?.say({ revision: this.revision, ...message });
    }
  }

  list(except) {
    return { type: 'members', revision: this.revision, locked: this.locked, members: this.#others(except) };
  }

  #hello(socket, { resume, state }) {
    if (resume) return this.#resume(socket, resume, state);
    if (this.locked) return this.refuse(socket, 'locked', 4006);
    this.#count += 1;
    const peer = `peer-${this.#count}`.padEnd(16, '0');
    const member = { peer, stamp: this.#count, away: false, state, socket, token: '' };
    this.members.set(peer, member);
    this.tell({ type: 'joined', member: view(member) }, member);
    this.#welcome(member, false);
  }

  #resume(socket, token, state) {
    const member = [...this.members.values()].find((candidate) => candidate.token === token);
    if (!member) return this.#readmit(socket, token, state);
    const older = member.socket;
    const wasAway = member.away;
    Object.assign(member, { socket, away: false });
    if (older) this.refuse(older, 'superseded', 4010);
    if (wasAway) this.tell({ type: 'back', peer: member.peer }, member);
    if (state && JSON.stringify(state) !== JSON.stringify(member.state)) this.#state(member, state);
    this.#welcome(member, true);
  }

  #readmit(socket, token, state) {
    const known = this.#lost.get(token);
    if (!known) return this.refuse(socket, 'gone', 4011);
    if (this.locked) return this.refuse(socket, 'replaced', 4009);
    const member = { ...known, away: false, state, socket };
    this.members.set(member.peer, member);
    this.tell({ type: 'joined', member: view(member) }, member);
    this.#welcome(member, false);
  }

  #welcome(member, resumed) {
    member.token = `token-${member.peer}-${this.revision}`;
    const { peer, stamp, token } = member;
    const { capacity, locked, revision, iceServers, features } = this;
    member.socket.say({
      type: 'welcome', version: 1, peer, stamp, resumed, capacity, locked, revision, members: this.#others(member), token,
      token_lifetime: 43200, ice_servers: iceServers, ice_lifetime: null, features, limits: {},
    });
  }

  #leave(member, reason) {
    this.members.delete(member.peer);
    this.tell({ type: 'left', peer: member.peer, reason });
    if (reason === 'hung-up') member.socket?.end(1000);
  }

  #lock(locked, { peer }) {
    this.locked = locked;
    this.tell({ type: 'lock', locked, peer });
  }

  #state(member, { type, ...changed }) {
    member.state = { ...member.state, ...changed };
    this.tell({ type: 'state', peer: member.peer, state: member.state }, member);
  }

  #pass(member, { to, ...message }) {
    const other = this.members.get(to);
    if (!other) return member.socket.say({ type: 'error', code: 'unknown-peer', text: '', to });
    if (other.away || this.drop(message)) return;
    other.socket.say({ ...message, from: member.peer });
  }

  #others(member) {
    return [...this.members.values()].filter((other) => other !== member).map(view);
  }

  #memberOf(socket) {
    return [...this.members.values()].find((member) => member.socket === socket);
  }
}

const view = ({ peer, stamp, away, state }) => ({ peer, stamp, away, state });

export class FakeTrack extends EventTarget {
  static count = 0;
  enabled = true;
  readyState = 'live';

  constructor(kind) {
    super();
    FakeTrack.count += 1;
    this.kind = kind;
    this.id = `${kind}-${FakeTrack.count}`;
  }

  stop() {
    this.readyState = 'ended';
  }

  /** As when the device is pulled out. */
  end() {
    this.readyState = 'ended';
    this.dispatchEvent(new Event('ended'));
  }
}

export class FakeMediaStream {
  #tracks = new Set();

  constructor(tracks = []) {
    for (const track of tracks) this.#tracks.add(track);
  }

  getTracks() {
    return [...this.#tracks];
  }

  addTrack(track) {
    this.#tracks.add(track);
  }

  removeTrack(track) {
    this.#tracks.delete(track);
  }
}

/** Devices that answer as told: `answers.audio` and `answers.video` are 'ok' or the name of an error. */
export class FakeDevices {
  asked = [];
  answers = { audio: 'ok', video: 'ok' };
  granted = [];
  gate = Promise.resolve(); // until it is open, requests wait

  async getUserMedia(constraints) {
    const kinds = ['audio', 'video'].filter((kind) => constraints[kind]);
    this.asked.push(kinds.join('+'));
    await this.gate;
    const failure = kinds.map((kind) => this.answers[kind]).find((answer) => answer !== 'ok');
    if (failure) throw Object.assign(new Error(failure), { name: failure });
    const tracks = kinds.map((kind) => new FakeTrack(kind));
    this.granted.push(...tracks);
    return new FakeMediaStream(tracks);
  }
}

/** What Call needs of a Media, without devices. */
export class FakeMedia extends EventTarget {
  microphone = 'on';
  camera = 'off';
  stream = new FakeMediaStream([new FakeTrack('audio')]);

  switchCamera() {
    this.stream.addTrack(new FakeTrack('video'));
    this.camera = 'on';
    this.dispatchEvent(new Event('tracks'));
    this.dispatchEvent(new Event('change'));
  }
}

/**
 * The network between peer connections. While `up`, two of them that hold each other's current description and a candidate
 * are connected; `cut` breaks all, and a broken one connects again only by an ICE restart.
 */
export class FakeNetwork {
  up = true;
  all = [];
  candidateTypes = { local: 'host', remote: 'srflx' }; // of the selected pair, at every end
  statsHaveTransport = true; // false as in Firefox, which marks the pair itself

  get PeerConnectionClass() {
    const network = this;
    return class extends FakePeerConnection {
      constructor(configuration) {
        super(network, configuration);
      }
    };
  }

  cut() {
    this.up = false;
    for (const pc of this.all) if (pc.connectionState === 'connected') pc.become('disconnected');
  }

  /** The packets take another way from now on. */
  reroute(candidateTypes) {
    this.candidateTypes = candidateTypes;
    for (const pc of this.all) pc.sctp.transport.iceTransport.onselectedcandidatepairchange?.(new Event('selectedcandidatepairchange'));
  }

  look() {
    for (const pc of this.all) if (this.#fits(pc)) pc.become('connected');
  }

  other(pc) {
    return this.all.find(({ id }) => id === pc.remote?.pc);
  }

  #fits(pc) {
    const other = this.other(pc);
    if (!this.up || !other || pc.signalingState !== 'stable' || other.signalingState !== 'stable') return false;
    if (pc.connectionState === 'closed' || other.connectionState === 'closed') return false;
    const areCurrent = pc.remote.ufrag === other.ufrag && other.remote.pc === pc.id && other.remote.ufrag === pc.ufrag;
    return areCurrent && pc.brokenAt !== pc.ufrag && (pc.hasCandidate || other.hasCandidate);
  }
}

class FakePeerConnection {
  signalingState = 'stable';
  connectionState = 'new';
  localDescription = null;
  remote = null;
  configurations = [];
  offers = 0;
  rollbacks = 0;
  added = [];
  dataChannel = null;
  sctp = { transport: { iceTransport: { onselectedcandidatepairchange: null } } };
  #network;
  #transceivers = [];
  #generation = 1;
  #wantsRestart = false;
  #dataIsNegotiated = false;
  #stable = null; // what a rollback returns to

  constructor(network, configuration) {
    this.#network = network;
    this.configurations.push(configuration);
    this.id = `pc${network.all.length}`;
    network.all.push(this);
  }

  get ufrag() {
    return `${this.id}g${this.#generation}`;
  }

  get hasCandidate() {
    return this.added.some((candidate) => candidate.usernameFragment === this.remote?.ufrag);
  }

  get negotiatedKinds() {
    return this.#transceivers.filter(({ mid }) => mid !== null).map(({ kind }) => kind);
  }

  addTransceiver(what, { direction = 'sendrecv' } = {}) {
    const isKind = typeof what === 'string';
    return this.#add(isKind ? what : what.kind, isKind ? null : what, direction);
  }

  getTransceivers() {
    return [...this.#transceivers];
  }

  createDataChannel(label, options) {
    this.dataChannel = new FakeDataChannel(label, options, () => this.#network.up && this.#network.other(this)?.dataChannel);
    this.#needed();
    return this.dataChannel;
  }

  restartIce() {
    this.#wantsRestart = true;
    this.#needed();
  }

  async getStats() {
    const { local, remote } = this.#network.candidateTypes;
    const entries = [
      this.#network.statsHaveTransport ? { id: 'T', type: 'transport', selectedCandidatePairId: 'P' } : { id: 'Q', type: 'candidate-pair' },
      { id: 'P', type: 'candidate-pair', selected: !this.#network.statsHaveTransport, localCandidateId: 'L', remoteCandidateId: 'R' },
      { id: 'L', type: 'local-candidate', candidateType: local },
      { id: 'R', type: 'remote-candidate', candidateType: remote },
    ];
    return new Map(entries.map((entry) => [entry.id, entry]));
  }

  setConfiguration(configuration) {
    this.configurations.push(configuration);
  }

  async setLocalDescription() {
    this.#mustBeOpen();
    await null;
    if (this.signalingState === 'have-remote-offer') return this.#answer();
    if (this.signalingState !== 'stable') throw fault('InvalidStateError');
    this.#stable = { generation: this.#generation, mids: this.#transceivers.map(({ mid }) => mid), restart: this.#wantsRestart };
    if (this.#wantsRestart) this.#generation += 1;
    this.#wantsRestart = false;
    this.offers += 1;
    this.#describe('offer', 'have-local-offer');
  }

  async setRemoteDescription({ type, sdp }) {
    this.#mustBeOpen();
    await null;
    const remote = JSON.parse(sdp);
    if (type === 'offer') this.#takeOffer(remote);
    else this.#takeAnswer(remote);
    this.#network.look();
  }

  async addIceCandidate(candidate) {
    await null;
    if (!this.remote) throw fault('InvalidStateError');
    if (candidate.usernameFragment !== this.remote.ufrag) throw fault('OperationError');
    this.added.push(candidate);
    this.#network.look();
  }

  close() {
    this.connectionState = 'closed';
    this.signalingState = 'closed';
    if (this.dataChannel) this.dataChannel.readyState = 'closed';
  }

  /** Take on a connection state, as the network would have it. */
  become(state) {
    if (this.connectionState === state || this.connectionState === 'closed') return;
    this.connectionState = state;
    if (state === 'disconnected') this.brokenAt = this.ufrag;
    queueMicrotask(() => this.onconnectionstatechange?.(new Event('connectionstatechange')));
    if (state === 'connected') this.dataChannel?.open();
  }

  #answer() {
    if (this.#newRemoteUfrag) this.#generation += 1;
    this.#newRemoteUfrag = false;
    this.#describe('answer', 'stable');
    this.#negotiated();
  }

  #newRemoteUfrag = false;

  #takeOffer(remote) {
    if (this.signalingState === 'have-local-offer') this.#rollBack();
    this.#newRemoteUfrag = this.remote !== null && this.remote.ufrag !== remote.ufrag;
    this.remote = remote;
    this.signalingState = 'have-remote-offer';
    remote.kinds.forEach((kind, mid) => this.#match(kind, mid));
  }

  #takeAnswer(remote) {
    if (this.signalingState !== 'have-local-offer') throw fault('InvalidStateError');
    this.remote = remote;
    this.signalingState = 'stable';
    for (const { kind, receiver } of this.#transceivers) this.#show(kind, receiver);
    this.#negotiated();
  }

  #rollBack() {
    this.rollbacks += 1;
    this.#generation = this.#stable.generation;
    this.#wantsRestart = this.#stable.restart;
    this.#transceivers.forEach((transceiver, index) => { transceiver.mid = this.#stable.mids[index] ?? null; });
  }

  #describe(type, signalingState) {
    this.#transceivers.forEach((transceiver, index) => { transceiver.mid = index; });
    if (this.dataChannel) this.#dataIsNegotiated = true;
    const sdp = JSON.stringify({ pc: this.id, ufrag: this.ufrag, kinds: this.#transceivers.map(({ kind }) => kind) });
    this.localDescription = { type, sdp };
    this.signalingState = signalingState;
    const { ufrag } = this;
    const candidates = [1, 2].map((n) => ({ candidate: `candidate:${n}`, sdpMid: '0', sdpMLineIndex: 0, usernameFragment: ufrag }));
    queueMicrotask(() => [...candidates, null].forEach((candidate) => this.onicecandidate?.({ candidate })));
  }

  #negotiated() {
    this.#network.look();
    this.#needed();
  }

  #needed() {
    queueMicrotask(() => {
      const isNeeded = this.#wantsRestart || this.#transceivers.some(({ mid }) => mid === null) || (this.dataChannel && !this.#dataIsNegotiated);
      if (isNeeded && this.signalingState === 'stable') this.onnegotiationneeded?.(new Event('negotiationneeded'));
    });
  }

  #match(kind, mid) {
    const free = this.#transceivers.find((transceiver) => transceiver.kind === kind && (transceiver.mid === mid || transceiver.mid === null));
    const transceiver = free ?? this.#add(kind, null, 'recvonly');
    transceiver.mid = mid;
    this.#show(kind, transceiver.receiver);
  }

  #show(kind, receiver) {
    if (receiver.isShown) return;
    receiver.isShown = true;
    queueMicrotask(() => this.ontrack?.({ track: receiver.track }));
  }

  #add(kind, track, direction) {
    const sender = { track, replaceTrack: async (next) => { sender.track = next; }, setStreams: () => undefined };
    const transceiver = { kind, mid: null, direction, sender, receiver: { track: new FakeTrack(kind), isShown: false } };
    this.#transceivers.push(transceiver);
    this.#needed();
    return transceiver;
  }

  #mustBeOpen() {
    if (this.signalingState === 'closed') throw fault('InvalidStateError');
  }
}

class FakeDataChannel {
  readyState = 'connecting';
  bufferedAmount = 0;
  sent = [];
  #findOther;

  constructor(label, options, findOther) {
    Object.assign(this, { label, options });
    this.#findOther = findOther;
  }

  open() {
    if (this.readyState !== 'connecting') return;
    this.readyState = 'open';
    queueMicrotask(() => this.onopen?.(new Event('open')));
  }

  send(data) {
    this.sent.push(JSON.parse(data));
    queueMicrotask(() => this.#findOther()?.onmessage?.({ data }));
  }
}

function fault(name) {
  return Object.assign(new Error(name), { name });
}
