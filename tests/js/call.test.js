import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Call } from '../../static/js/call.js';
import { FakeClock, FakeMedia, FakeMediaStream, FakeNetwork, FakeServer, seeded, settle, sockets } from './fakes.js';

function aRoom() {
  const clock = new FakeClock();
  const network = new FakeNetwork();
  const server = new FakeServer();
  let seed = 0;
  const enter = async (name, options = {}) => {
    seed += 1;
    const media = new FakeMedia();
    const page = new EventTarget();
    const call = new Call({
      url: 'ws://test', code: 'heron', state: { name }, media, clock, page, random: seeded(seed), WebSocketClass: server.WebSocketClass,
      RTCPeerConnectionClass: network.PeerConnectionClass, MediaStreamClass: FakeMediaStream, ...options,
    });
    call.start();
    await clock.advance(500);
    return { call, media, page, get now() { return call.snapshot(); } };
  };
  return { clock, network, server, enter };
}

const socketOf = (server, person) => [...server.members.values()].find(({ peer }) => peer === person.now.me?.id)?.socket;

// From now on the server is out of reach, and these notice.
function cutOff(server, ...people) {
  server.faults.unreachable = true;
  for (const person of people) socketOf(server, person).end(1006);
}

const phases = (...people) => people.map(({ now }) => now.phase).join(' ');

async function hangUp(person, clock) {
  const done = person.call.hangUp();
  await clock.advance(200); // what the goodbye over the data channel takes
  await done;
}

/** A call whose server the test plays by hand. */
async function byHand(members = [], options = {}, more = {}) {
  const clock = new FakeClock();
  const network = new FakeNetwork();
  const WebSocketClass = sockets();
  const call = new Call({
    url: 'ws://test', code: 'heron', state: { name: 'Alice' }, media: new FakeMedia(), clock, page: new EventTarget(), random: seeded(1),
    WebSocketClass, RTCPeerConnectionClass: network.PeerConnectionClass, MediaStreamClass: FakeMediaStream, ...options,
  });
  call.start();
  const socket = WebSocketClass.newest;
  socket.answersPings = true;
  socket.open();
  const welcome = {
    type: 'welcome', version: 1, peer: 'alice', stamp: 50, resumed: false, capacity: 6, locked: false, revision: 10, members, token: 't', ice_servers: [],
    ...more,
  };
  socket.hear(welcome);
  await settle();
  const names = () => call.snapshot().peers.map(({ id }) => id).join(' ');
  return { call, clock, network, socket, WebSocketClass, welcome, names };
}

const member = (peer, stamp, more = {}) => ({ peer, stamp, away: false, state: { name: peer }, ...more });

test('who comes first waits, and with the second both are connected', async () => {
  const { enter } = aRoom();
  const alice = await enter('Alice');
  assert.equal(alice.now.phase, 'waiting');
  assert.equal(alice.now.capacity, 6);

  const bob = await enter('Bob');
  assert.equal(phases(alice, bob), 'connected connected');
  assert.equal(alice.now.peers[0].state.name, 'Bob');
  assert.equal(bob.now.peers[0].state.name, 'Alice');
  assert.equal(typeof alice.now.since, 'number');
});

test('before the welcome the call is joining', async () => {
  const { enter, server } = aRoom();
  server.faults.unreachable = true;
  const alice = await enter('Alice');
  assert.equal(alice.now.phase, 'joining');
  assert.equal(alice.now.socket, 'down');
});

test('before the first link is up the call is connecting', async () => {
  const { enter, network } = aRoom();
  network.up = false;
  const alice = await enter('Alice');
  const bob = await enter('Bob');
  assert.equal(phases(alice, bob), 'connecting connecting');
  assert.equal(alice.now.since, null);
});

test('six people are all connected to each other, and each pair has exactly one offer', async () => {
  const { clock, enter, network } = aRoom();
  const people = [];
  for (const name of ['Alice', 'Bob', 'Carol', 'Dan', 'Erin', 'Frank']) people.push(await enter(name));
  await clock.advance(2000);

  for (const { now } of people) {
    assert.equal(now.peers.length, 5);
    for (const { link } of now.peers) assert.equal(link, 'connected');
  }
  assert.equal(network.all.length, 30);
  assert.equal(network.all.reduce((sum, { offers }) => sum + offers, 0), 15);
});

test('peers are listed in the order in which they came', async () => {
  const { enter } = aRoom();
  await enter('Alice');
  await enter('Bob');
  const carol = await enter('Carol');
  assert.deepEqual(carol.now.peers.map(({ state }) => state.name), ['Alice', 'Bob']);
});

test('who hangs up is named, and the other waits again', async () => {
  const { clock, enter, network } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');

  await hangUp(bob, clock);
  await hangUp(bob, clock);
  await settle();

  assert.equal(phases(alice, bob), 'waiting ended');
  assert.deepEqual(alice.now.lastLeft, { reason: 'hung-up', name: 'Bob' });
  assert.equal(alice.now.since, null);
  for (const pc of network.all) assert.equal(pc.connectionState, 'closed');
});

test('who comes after that begins a new call', async () => {
  const { clock, enter } = aRoom();
  const alice = await enter('Alice');
  await hangUp(await enter('Bob'), clock);

  await enter('Carol');

  assert.equal(alice.now.phase, 'connected');
  assert.equal(alice.now.lastLeft, null);
});

test('a change of media is told and sent: the camera on both sides at once', async () => {
  const { clock, enter, network } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');

  for (const { media } of [alice, bob]) media.switchCamera();
  await clock.advance(500);

  assert.equal(alice.now.peers[0].state.camera, true);
  assert.equal(bob.now.peers[0].state.camera, true);
  for (const pc of network.all) assert.equal(pc.getTransceivers()[1].sender.track.kind, 'video');
  assert.equal(network.all.reduce((sum, { offers }) => sum + offers, 0), 1);
});

test('only what has changed is sent as state', async () => {
  const { call, socket } = await byHand();
  call.setState({ muted: true, name: 'Alice' });
  call.setState({ muted: true });
  assert.deepEqual(socket.sentOf('state'), [{ type: 'state', muted: true }]);
});

test('a hand raised while the socket was down is shown afterwards', async () => {
  const { clock, enter, server } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');
  cutOff(server, bob);
  await settle();
  bob.call.setState({ hand: true });

  server.faults.unreachable = false;
  await clock.advance(10000);

  assert.equal(alice.now.peers[0].state.hand, true);
});

test('a lock is asked for, and shown to everybody once the room has it', async () => {
  const { enter } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');

  assert.equal(alice.call.setLocked(true), true);
  await settle();

  assert.equal(alice.now.locked, true);
  assert.equal(bob.now.locked, true);
  const charlie = await enter('Charlie');
  assert.equal(charlie.now.phase, 'refused');
  assert.deepEqual(charlie.now.refusal, { code: 'locked', hint: null, retryAfter: null });
});

test('a lock said while the next socket says hello is said there too, if the room does not have it', async () => {
  for (const [locked, times] of [[false, 1], [true, 0]]) {
    const { call, clock, socket, WebSocketClass, welcome } = await byHand();
    socket.hear({ type: 'reconnect', after_ms: 0 });
    await clock.advance(0);
    WebSocketClass.newest.open();
    call.setLocked(true);

    WebSocketClass.newest.hear({ ...welcome, resumed: true, locked });

    assert.deepEqual([socket, WebSocketClass.newest].map((one) => one.sentOf('lock').length), [1, times]);
  }
});

test('a lock wanted while no socket serves is asked for after the welcome', async () => {
  const { call, clock, socket, WebSocketClass, welcome } = await byHand();
  socket.drop();
  assert.equal(call.setLocked(true), false);
  await clock.advance(500);

  WebSocketClass.newest.open();
  WebSocketClass.newest.hear({ ...welcome, resumed: true });

  assert.deepEqual(WebSocketClass.newest.sentOf('lock'), [{ type: 'lock', locked: true }]);
});

test('a lock that the room has had is not asked for again when somebody else has opened it', async () => {
  const { call, clock, socket, WebSocketClass, welcome } = await byHand();
  call.setLocked(true);
  socket.hear({ type: 'lock', revision: 11, locked: true });
  socket.hear({ type: 'lock', revision: 12, locked: false });
  socket.drop();
  await clock.advance(500);

  WebSocketClass.newest.open();
  WebSocketClass.newest.hear({ ...welcome, resumed: true, revision: 12 });

  assert.equal(WebSocketClass.newest.sentOf('lock').length, 0);
});

test('a call that a server has forgotten is locked again if it was locked, once everybody has a place', async () => {
  const { clock, enter, server } = aRoom();
  const people = [await enter('Alice'), await enter('Bob'), await enter('Charlie')];
  people[0].call.setLocked(true);
  await settle();

  server.restart();
  await clock.advance(10000);

  assert.equal(phases(...people), 'connected connected connected');
  assert.deepEqual(people.map(({ now }) => now.locked), [true, true, true]);
  assert.equal(server.locked, true);
});

test('a call that was opened while one was away stays open', async () => {
  const { clock, enter, server } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');
  alice.call.setLocked(true);
  await settle();
  cutOff(server, alice);
  server.lose(alice.now.me.id);
  bob.call.setLocked(false);
  await clock.advance(500);

  server.faults.unreachable = false;
  await clock.advance(10000);

  assert.equal(phases(alice, bob), 'connected connected');
  assert.equal(server.locked, false);
});

test('whoever comes back alone into a new room locks nobody out', async () => {
  const { call, clock, socket, network, WebSocketClass, welcome, names } = await byHand([member('bob', 40)]);
  socket.hear({ type: 'lock', revision: 11, locked: true });
  socket.drop();
  network.cut();
  await clock.advance(500);
  WebSocketClass.newest.open();
  WebSocketClass.newest.hear({ ...welcome, revision: 1, members: [] });
  await clock.advance(15000);
  assert.equal(names(), '');

  WebSocketClass.newest.hear({ type: 'joined', revision: 2, member: member('bob', 40) });
  await settle();

  assert.equal(call.snapshot().locked, false);
  assert.equal(WebSocketClass.newest.sentOf('lock').length, 0);
});

test('who opens a call by hand that was to be locked again is obeyed', async () => {
  const { clock, enter, server } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');
  alice.call.setLocked(true);
  await settle();
  server.restart();
  server.faults.unreachable = true;
  await clock.advance(1000);
  for (const { call } of [alice, bob]) call.setLocked(false);

  server.faults.unreachable = false;
  await clock.advance(10000);

  assert.equal(phases(alice, bob), 'connected connected');
  assert.equal(server.locked, false);
});

test('who loses the server before anybody was reached is still connecting, for there is no call to come back to', async () => {
  const { clock, enter, network, server } = aRoom();
  network.cut();
  network.up = false;
  const alice = await enter('Alice');
  const bob = await enter('Bob');
  assert.equal(phases(alice, bob), 'connecting connecting');

  cutOff(server, bob);
  await settle();

  assert.equal(phases(alice, bob), 'connecting connecting');
  assert.equal(bob.now.socket, 'down');
  server.faults.unreachable = false;
  network.up = true;
  await clock.advance(60000);
  assert.equal(phases(alice, bob), 'connected connected');
});

test('a lost socket stops no media, and the same places are taken up again', async () => {
  const { clock, enter, network, server } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');
  const [id, count] = [bob.now.me.id, network.all.length];

  socketOf(server, bob).end(1006);
  await settle();
  assert.equal(bob.now.phase, 'reconnecting');
  assert.equal(bob.now.peers[0].link, 'connected');
  assert.equal(alice.now.peers[0].away, true);
  assert.equal(alice.now.phase, 'connected');
  await clock.advance(3000);

  assert.equal(phases(alice, bob), 'connected connected');
  assert.equal(bob.now.me.id, id);
  assert.equal(alice.now.peers[0].away, false);
  assert.equal(network.all.length, count);
});

test('a call that moves to another server shows nothing, to nobody', async () => {
  const { clock, enter, network, server } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');
  const [old, count, { revision }] = [socketOf(server, bob), network.all.length, server];
  const shown = new Set();
  for (const { call } of [alice, bob]) {
    call.addEventListener('change', () => {
      const { phase, socket, peers } = call.snapshot();
      shown.add([phase, socket, ...peers.map(({ link, away }) => `${link} ${away}`)].join(' '));
    });
  }

  old.say({ type: 'reconnect', after_ms: 100 });
  await clock.advance(3000);

  assert.notEqual(socketOf(server, bob), old);
  assert.equal(old.readyState, 3);
  assert.deepEqual([...shown], ['connected up connected false']);
  assert.equal(server.revision, revision);
  assert.equal(network.all.length, count);
});

test('what was lost in the old socket is sent again as soon as the call has moved', async () => {
  const { clock, enter, network, server } = aRoom();
  await enter('Alice');
  const bob = await enter('Bob');
  const [bobs] = network.all;
  server.drop = () => true;
  bobs.restartIce();
  await settle();
  assert.equal(bobs.signalingState, 'have-local-offer');

  server.drop = () => false;
  socketOf(server, bob).say({ type: 'reconnect', after_ms: 0 });
  await clock.advance(1);

  assert.equal(bobs.signalingState, 'stable');
});

test('who left before the line was lost is no news when it is back', async () => {
  const { clock, server, network, enter } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');
  for (const lose of [() => socketOf(server, alice).end(1006), () => network.cut()]) {
    await hangUp(await enter('Charlie'), clock);
    await clock.advance(300);
    assert.equal(alice.now.lastLeft.name, 'Charlie');

    lose();
    await clock.advance(300);
    network.up = true;
    await clock.advance(15000);

    assert.equal(phases(alice, bob), 'connected connected');
    assert.equal(alice.now.lastLeft, null);
  }
});

test('who leaves while the line is lost is named when it is back', async () => {
  const { clock, server, enter } = aRoom();
  const alice = await enter('Alice');
  await enter('Bob');
  const charlie = await enter('Charlie');
  cutOff(server, alice);
  await clock.advance(300);

  await hangUp(charlie, clock);
  server.faults.unreachable = false;
  await clock.advance(5000);

  assert.equal(alice.now.phase, 'connected');
  assert.equal(alice.now.lastLeft.name, 'Charlie');
});

test('who came back restarts ICE, and the other does not', async () => {
  const { clock, enter, network, server } = aRoom();
  await enter('Alice');
  const bob = await enter('Bob');
  const offers = () => network.all.map(({ offers: made }) => made); // Bob's is the first
  assert.deepEqual(offers(), [1, 0]);

  socketOf(server, bob).end(1006);
  await clock.advance(8000);

  assert.deepEqual(offers(), [2, 0]);
});

// Who comes back second cannot know that the other was away too: then both restart, and perfect negotiation sorts it out.
test('when both came back each restarts ICE once at most, the later one for sure', async () => {
  const { clock, enter, network, server } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');

  for (const person of [alice, bob]) socketOf(server, person).end(1006);
  await clock.advance(10000);

  assert.equal(phases(alice, bob), 'connected connected');
  const [bobs, alices] = network.all;
  assert.equal(bobs.offers, 2);
  assert.ok(alices.offers <= 1);
});

test('who comes back while the other is away leaves the restart to the later one for 5 seconds', async () => {
  const { clock, network, socket, WebSocketClass, welcome } = await byHand([member('zoe', 60)]);
  socket.hear({ ...offer('zoe'), from: 'zoe' });
  await clock.advance(100);
  const [alices] = network.all;
  socket.drop();
  await clock.advance(500);

  WebSocketClass.newest.answersPings = true;
  WebSocketClass.newest.open();
  WebSocketClass.newest.hear({ ...welcome, resumed: true, members: [member('zoe', 60, { away: true })] });
  await clock.advance(4900);
  assert.equal(alices.offers, 0);
  await clock.advance(200);
  assert.equal(alices.offers, 1);
});

test('who hangs up during these 5 seconds leaves no timer', async () => {
  const { call, clock, socket, WebSocketClass, welcome } = await byHand([member('zoe', 60)]);
  socket.drop();
  await clock.advance(500);
  WebSocketClass.newest.open();
  WebSocketClass.newest.hear({ ...welcome, resumed: true, members: [member('zoe', 60, { away: true })] });

  await call.hangUp();

  assert.equal(clock.waiting, 0);
});

test('a network that is gone for both, sockets and media, is mended', async () => {
  const { clock, enter, network, server } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');
  server.faults.mute = true;
  network.cut();
  await clock.advance(9000);
  assert.equal(phases(alice, bob), 'reconnecting reconnecting');

  server.faults.mute = false;
  network.up = true;
  await clock.advance(30000);

  assert.equal(phases(alice, bob), 'connected connected');
});

test('signals lost on the way are sent again', async () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const { clock, enter, server } = aRoom();
    const random = seeded(seed);
    server.drop = () => random() < 0.5;
    const alice = await enter('Alice');
    const bob = await enter('Bob');
    await clock.advance(60000);
    assert.equal(phases(alice, bob), 'connected connected', `seed ${seed}`);
  }
});

test('a call that came about is reported once by each, however many are in it', async () => {
  const { enter, server, clock } = aRoom();
  const people = [await enter('Alice'), await enter('Bob'), await enter('Charlie')];
  await clock.advance(10000);

  const reports = server.reports.sort((a, b) => (a.peer > b.peer ? 1 : -1)); // who is first is chance
  assert.deepEqual(reports, people.map(({ now }) => ({ peer: now.me.id, path: 'direct' })));
});

test('nothing is reported before two have reached each other, or to a server that does not ask', async () => {
  const { enter, server, network, clock } = aRoom();
  network.up = false;
  await enter('Alice');
  await enter('Bob');
  await clock.advance(5000);
  assert.deepEqual(server.reports, []);

  const other = aRoom();
  other.server.features = ['lock', 'resume', 'state'];
  const alice = await other.enter('Alice');
  await other.enter('Bob');
  assert.equal(alice.now.phase, 'connected');
  assert.deepEqual(other.server.reports, []);
});

for (const types of [{ local: 'relay', remote: 'host' }, { local: 'prflx', remote: 'relay' }]) {
  test(`a path is relayed when one end is: ${JSON.stringify(types)}`, async () => {
    const { enter, server, network } = aRoom();
    network.candidateTypes = types;
    await enter('Alice');
    await enter('Bob');

    assert.deepEqual(server.reports.map(({ path }) => path), ['relayed', 'relayed']);
  });
}

test('a browser that marks the pair itself reports the same', async () => {
  const { enter, server, network } = aRoom();
  network.candidateTypes = { local: 'relay', remote: 'host' };
  network.statsHaveTransport = false;
  await enter('Alice');
  await enter('Bob');

  assert.deepEqual(server.reports.map(({ path }) => path), ['relayed', 'relayed']);
});

test('a path that comes to be relayed is reported again, and then no more', async () => {
  const { enter, server, network, clock } = aRoom();
  await enter('Alice');
  await enter('Bob');
  for (const local of ['srflx', 'relay', 'host', 'relay']) {
    network.reroute({ local, remote: 'host' });
    await clock.advance(100);
  }

  assert.deepEqual(server.reports.map(({ path }) => path), ['direct', 'direct', 'relayed', 'relayed']);
});

test('a call is relayed as soon as one of its connections is', async () => {
  const { enter, server, network } = aRoom();
  const alice = await enter('Alice');
  await enter('Bob');
  network.candidateTypes = { local: 'relay', remote: 'host' };
  await enter('Carol');

  const hers = server.reports.filter(({ peer }) => peer === alice.now.me.id);
  assert.deepEqual(hers.map(({ path }) => path), ['direct', 'relayed']);
});

test('a report that no socket took is made after the next welcome', async () => {
  const { enter, server, network, clock } = aRoom();
  network.up = false;
  const alice = await enter('Alice');
  const bob = await enter('Bob');
  cutOff(server, alice, bob);
  await clock.advance(100);
  network.up = true;
  network.look();
  await clock.advance(100);
  assert.equal(alice.now.peers[0].link, 'connected');
  assert.deepEqual(server.reports, []);

  server.faults.unreachable = false;
  await clock.advance(10000);
  assert.equal(server.reports.length, 2);
});

test('a report made while the next socket says hello is made there too', async () => {
  const { clock, network, socket, WebSocketClass, welcome } = await byHand([member('bob', 1)], {}, { features: ['report'] });
  await clock.advance(100);
  socket.hear({ type: 'reconnect', after_ms: 0 });
  await clock.advance(0);
  const { newest } = WebSocketClass;
  newest.open();
  network.all[0].become('connected');
  await settle();

  newest.hear({ ...welcome, resumed: true });
  await settle();

  assert.deepEqual(newest.sentOf('report'), [{ type: 'report', path: 'direct' }]);
});

test('the next call in the same room is reported too, and so is one that went on without a place', async () => {
  const { enter, server, clock } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');
  await hangUp(bob, clock);
  const charlie = await enter('Charlie');
  assert.equal(server.reports.length, 4);

  server.restart();
  await clock.advance(10000);
  assert.equal(phases(alice, charlie), 'connected connected');
  assert.equal(server.reports.length, 6);
});

test('somebody lost stays while the media lives', async () => {
  const { clock, enter, network, server } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');
  cutOff(server, bob);
  server.lose(bob.now.me.id);
  await clock.advance(20000);
  assert.equal(alice.now.peers[0].link, 'connected');
  assert.equal(alice.now.peers[0].away, true);

  network.cut();
  await clock.advance(15000);
  assert.equal(alice.now.phase, 'waiting');
  assert.deepEqual(alice.now.lastLeft, { reason: 'lost', name: 'Bob' });
});

test('who hangs up while the server is away says so over the data channel', async () => {
  const { clock, enter, server } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');
  cutOff(server, alice, bob);
  await settle();

  await hangUp(bob, clock);

  assert.equal(bob.now.phase, 'ended');
  assert.deepEqual(alice.now.lastLeft, { reason: 'hung-up', name: 'Bob' });
});

test('what others see of who has lost the server goes over the data channel, and stays when the server is back', async () => {
  const { clock, enter, server } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');
  cutOff(server, bob);
  await settle();

  bob.call.setState({ hand: true });
  await settle();

  assert.equal(alice.now.peers[0].state.hand, true);
  server.faults.unreachable = false;
  await clock.advance(30000);
  assert.equal(phases(alice, bob), 'connected connected');
  assert.equal(alice.now.peers[0].state.hand, true);
});

test('who has lost the server hears over the data channel what is seen of others', async () => {
  const { clock, enter, server } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');
  cutOff(server, alice);
  await settle();

  bob.call.setState({ hand: true });
  await settle();
  assert.equal(alice.now.peers[0].state.hand, true);
  bob.call.setState({ hand: false });
  await settle();

  assert.equal(alice.now.peers[0].state.hand, false);
  server.faults.unreachable = false;
  await clock.advance(30000);
  assert.equal(alice.now.peers[0].state.hand, false);
});

test('of somebody who is away a list knows nothing that is newer than what came over the data channel', async () => {
  const { clock, enter, server } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');
  cutOff(server, alice, bob);
  await settle();
  bob.call.setState({ hand: true });
  await settle();

  server.faults.unreachable = false;
  alice.page.dispatchEvent(new Event('online'));
  await settle();

  assert.equal(alice.now.socket, 'up');
  assert.deepEqual(alice.now.peers.map(({ away, state }) => [away, state.hand]), [[true, true]]);
  await clock.advance(30000);
  assert.equal(alice.now.peers[0].state.hand, true);
});

test('who has said goodbye over the data channel does not come back with a place that the server still keeps', async () => {
  const { clock, enter, server } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');
  const { id } = bob.now.me;
  cutOff(server, alice, bob);
  await settle();
  await hangUp(bob, clock);

  server.faults.unreachable = false;
  await clock.advance(30000);
  assert.equal(alice.now.socket, 'up');
  assert.deepEqual(server.list().members.map(({ away }) => away), [false, true]);
  assert.equal(phases(alice), 'waiting');
  server.tell({ type: 'away', peer: id });
  await clock.advance(1000);
  assert.equal(phases(alice), 'waiting');
  assert.deepEqual(alice.now.lastLeft, { reason: 'hung-up', name: 'Bob' });
});

test('a place that is gone is taken anew, and the call goes on under a new id', async () => {
  const { clock, enter, network, server } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');
  const old = bob.now.me.id;
  cutOff(server, bob);
  server.remove(old);
  network.cut();
  await clock.advance(15000);
  server.faults.unreachable = false;
  network.up = true;
  await clock.advance(40000);

  assert.equal(phases(alice, bob), 'connected connected');
  assert.notEqual(bob.now.me.id, old);
  assert.equal(alice.now.peers.length, 1);
});

test('under a new id the connections of the former one are closed, also those that look up', async () => {
  const { clock, enter, server } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');
  const [{ id }, { pc: former }, socket] = [bob.now.me, bob.now.peers[0], socketOf(server, bob)];
  server.remove(id);
  socket.end(1006);
  await clock.advance(5000);

  assert.notEqual(bob.now.me.id, id);
  assert.equal(former.connectionState, 'closed');
  assert.equal(phases(alice, bob), 'connected connected');
});

test('a newer socket of the same member ends this page', async () => {
  const { clock, enter, server } = aRoom();
  const alice = await enter('Alice');
  server.refuse(socketOf(server, alice), 'superseded', 4010);
  await clock.advance(1000);

  assert.equal(alice.now.phase, 'ended');
  assert.deepEqual(alice.now.refusal, { code: 'superseded', hint: null, retryAfter: null });
});

test('a page that goes away ends its call, and the others hear of it', async () => {
  const { clock, enter, network } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');

  bob.page.dispatchEvent(new Event('pagehide'));
  await clock.advance(100);

  assert.equal(phases(alice, bob), 'waiting ended');
  assert.equal(bob.now.refusal, null);
  assert.deepEqual(alice.now.lastLeft, { reason: 'hung-up', name: 'Bob' });
  for (const pc of network.all) assert.equal(pc.connectionState, 'closed');
});

test('the later one offers to everybody in the welcome, and to nobody who comes later', async () => {
  const { network, socket, clock } = await byHand([member('bob', 1), member('carol', 2)]);
  socket.hear({ type: 'joined', revision: 11, member: member('dan', 99) });
  await clock.advance(100);

  const offers = socket.sentOf('signal').filter(({ body }) => body.description);
  assert.deepEqual(offers.map(({ to }) => to), ['bob', 'carol']);
  assert.equal(network.all.length, 2);
});

test('an event that is not above the known revision is old', async () => {
  const { socket, names } = await byHand([member('bob', 1)]);
  socket.hear({ type: 'left', revision: 10, peer: 'bob', reason: 'hung-up' });
  socket.hear({ type: 'joined', revision: 9, member: member('dan', 99) });

  assert.equal(names(), 'bob');
  assert.equal(socket.sentOf('members').length, 0);
});

test('what was said to somebody who was away unnoticed is sent again at the `back`', async () => {
  const { clock, socket } = await byHand([member('bob', 1)]);
  await clock.advance(100);
  const said = socket.sentOf('signal').map(({ seq }) => seq);

  socket.hear({ type: 'back', revision: 12, peer: 'bob' });

  assert.deepEqual(socket.sentOf('signal').map(({ seq }) => seq), [...said, ...said]);
});

test('an event that skips a revision is applied, and the whole list asked for once', async () => {
  const { call, socket, names } = await byHand([member('bob', 1)]);
  socket.hear({ type: 'joined', revision: 12, member: member('dan', 99) });
  socket.hear({ type: 'lock', revision: 15, locked: true });
  assert.equal(names(), 'bob dan');
  assert.equal(socket.sentOf('members').length, 1);

  socket.hear({ type: 'members', revision: 15, locked: false, members: [member('dan', 99), member('erin', 98)] });
  assert.equal(names(), 'erin dan');
  assert.equal(call.snapshot().locked, false);

  socket.hear({ type: 'left', revision: 17, peer: 'dan', reason: 'hung-up' });
  assert.equal(socket.sentOf('members').length, 2);
});

test('a list older than what we have applied overrules nothing', async () => {
  const { socket, names } = await byHand([member('bob', 1)]);
  socket.hear({ type: 'joined', revision: 11, member: member('dan', 99) });
  socket.hear({ type: 'members', revision: 10, locked: false, members: [] });
  assert.equal(names(), 'bob dan');
});

test('a list that names us as well shows us to nobody', async () => {
  const { socket, names } = await byHand();
  socket.hear({ type: 'members', revision: 11, locked: false, members: [member('alice', 50), member('dan', 99)] });
  assert.equal(names(), 'dan');
});

const offer = (from, seq = 1) => ({
  type: 'signal', from, stream: 'q1', seq, ack: 0, body: { description: { type: 'offer', sdp: JSON.stringify({ pc: 'x', ufrag: 'x', kinds: ['audio', 'video'] }) } },
});

test('a signal from somebody not announced yet waits for the announcement', async () => {
  const { clock, network, socket } = await byHand();
  socket.hear(offer('dan'));
  await clock.advance(9000);
  assert.equal(network.all.length, 0);

  socket.hear({ type: 'joined', revision: 11, member: member('dan', 99) });
  await clock.advance(100);

  assert.equal(socket.sentOf('signal')[0].body.description.type, 'answer');
});

test('such a signal waits 10 seconds at most', async () => {
  const { clock, network, socket } = await byHand();
  socket.hear(offer('dan'));
  await clock.advance(10001);
  socket.hear({ type: 'joined', revision: 11, member: member('dan', 99) });
  await clock.advance(100);

  assert.equal(network.all.length, 0);
});

test('no more than 64 such signals wait', async () => {
  const { clock, socket, network } = await byHand();
  for (let seq = 1; seq <= 64; seq += 1) socket.hear({ ...offer('eve', seq), body: {} });
  socket.hear(offer('dan'));
  socket.hear({ type: 'joined', revision: 11, member: member('dan', 99) });
  await clock.advance(100);

  assert.equal(network.all.length, 0);
});

test('an unknown peer is forgotten', async () => {
  const { socket, names } = await byHand([member('bob', 1)]);
  socket.hear({ type: 'error', code: 'unknown-peer', text: '', to: 'bob' });
  assert.equal(names(), '');
});

test('fresh ICE servers reach every peer connection', async () => {
  const { network, socket } = await byHand([member('bob', 1)]);
  const servers = [{ urls: ['turn:new.example.org'] }];
  socket.hear({ type: 'ice', ice_servers: servers, ice_lifetime: 3600 });
  assert.deepEqual(network.all[0].configurations.at(-1).iceServers, servers);
});

test('fresh ICE servers serve the people who come later too', async () => {
  const { network, socket } = await byHand();
  const servers = [{ urls: ['turn:new.example.org'] }];
  socket.hear({ type: 'ice', ice_servers: servers, ice_lifetime: 3600 });
  socket.hear({ type: 'joined', revision: 11, member: member('bob', 1) });
  assert.deepEqual(network.all[0].configurations[0].iceServers, servers);
});

test('fresh ICE servers restart nothing: what is up stays up', async () => {
  const { clock, enter, network, server } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');
  const before = network.all.map(({ ufrag, offers }) => [ufrag, offers]);

  for (const person of [alice, bob]) socketOf(server, person).say({ type: 'ice', ice_servers: [{ urls: 'turn:new.example.org' }], ice_lifetime: 2 });
  await clock.advance(5000);

  assert.equal(phases(alice, bob), 'connected connected');
  assert.deepEqual(network.all.map(({ ufrag, offers }) => [ufrag, offers]), before);
});

test('who hides their address goes through a relay only, also with fresh ICE servers and in a new connection', async () => {
  const { network, socket } = await byHand([member('bob', 1)], { relayOnly: true });
  socket.hear({ type: 'ice', ice_servers: [{ urls: ['turn:new.example.org'] }], ice_lifetime: 3600 });
  socket.hear({ type: 'joined', revision: 11, member: member('carol', 2) });

  assert.equal(network.all.length, 2);
  for (const { configurations } of network.all) {
    assert.deepEqual(new Set(configurations.map(({ iceTransportPolicy }) => iceTransportPolicy)), new Set(['relay']));
  }
});

test('nobody else is bound to a relay', async () => {
  const { call, network } = await byHand([member('bob', 1)]);
  assert.equal(network.all[0].configurations[0].iceTransportPolicy, 'all');
  assert.equal(call.snapshot().relayOnly, false);
});

test('a call knows whether there is a relay', async () => {
  const { call, socket } = await byHand([], { relayOnly: true });
  const heard = (servers) => {
    socket.hear({ type: 'ice', ice_servers: servers, ice_lifetime: 3600 });
    return call.snapshot().hasRelays;
  };

  assert.equal(call.snapshot().hasRelays, false);
  assert.equal(heard([{ urls: 'stun:a.example' }]), false);
  assert.equal(heard([{ urls: ['stun:a.example', 'turn:a.example'] }]), true);
  assert.equal(heard([{ urls: 'turns:a.example:443?transport=tcp' }]), true);
  assert.equal(heard([{}]), false);
});

test('whoever gives up hiding calls directly from then on, at once and without a new connection', async () => {
  const { call, clock, network } = await byHand([member('bob', 1)], { relayOnly: true });
  await clock.advance(100);
  const [pc] = network.all;

  call.allowDirect();
  call.allowDirect();

  assert.equal(call.snapshot().relayOnly, false);
  assert.deepEqual(pc.configurations.map(({ iceTransportPolicy }) => iceTransportPolicy), ['relay', 'all']);
  assert.equal(network.all.length, 1);
});

test('messages and events that nobody knows change nothing', async () => {
  const { call, socket } = await byHand([member('bob', 1)]);
  const before = JSON.stringify(call.snapshot().peers.map(({ id, state }) => ({ id, state })));
  for (const type of ['constructor', '__proto__', 'toString', 'knocking', 'welcome']) socket.hear({ type });
  socket.hear({ type: 'state', revision: 11, peer: 'nobody', state: {} });
  socket.hear({ type: 'left', revision: 12, peer: 'nobody', reason: 'lost' });
  socket.hear({ type: 'ack', from: 'nobody', stream: 's', ack: 1 });

  assert.equal(JSON.stringify(call.snapshot().peers.map(({ id, state }) => ({ id, state }))), before);
});

test('waiting for a server that admits nobody says why, until it does', async () => {
  const { call, clock, socket, WebSocketClass, welcome } = await byHand();
  socket.hear({ type: 'error', code: 'unavailable', text: '', retry_after: 3 });
  socket.drop(4007);
  assert.equal(call.snapshot().phase, 'waiting');
  assert.equal(call.snapshot().socket, 'down');
  assert.deepEqual(call.snapshot().refusal, { code: 'unavailable', hint: null, retryAfter: 3 });

  await clock.advance(3000);
  WebSocketClass.newest.open();
  WebSocketClass.newest.hear({ ...welcome, resumed: true });
  assert.equal(call.snapshot().refusal, null);
  assert.equal(call.snapshot().phase, 'waiting');
});

async function refusedFor(seconds) {
  const clock = new FakeClock();
  const WebSocketClass = sockets();
  const page = new EventTarget();
  const call = new Call({ url: 'ws://test', code: 'heron', state: {}, media: new FakeMedia(), clock, page, random: seeded(1), WebSocketClass });
  call.start();
  WebSocketClass.newest.open();
  WebSocketClass.newest.hear({ type: 'error', code: 'too-many-joins', text: '', retry_after: seconds });
  WebSocketClass.newest.drop(4008);
  return { call, clock, page, WebSocketClass };
}

test('the time until the next attempt is that of this moment, and none while the attempt is under way', async () => {
  const { call, clock, WebSocketClass } = await refusedFor(42);
  assert.equal(call.snapshot().refusal.retryAfter, 42);

  await clock.advance(30500);
  assert.equal(call.snapshot().refusal.retryAfter, 12);

  await clock.advance(11500);
  assert.equal(WebSocketClass.all.length, 2);
  assert.deepEqual(call.snapshot().refusal, { code: 'too-many-joins', hint: null, retryAfter: null });
});

test('an attempt that begins earlier, since the browser is online again, leaves no time to be told either', async () => {
  const { call, page, WebSocketClass } = await refusedFor(42);

  page.dispatchEvent(new Event('online'));

  assert.equal(WebSocketClass.all.length, 2);
  assert.equal(call.snapshot().refusal.retryAfter, null);
});

test('a refusal is no reason any more once a later attempt has failed without a word', async () => {
  for (const fail of [({ newest }) => newest.drop(), (_, clock) => clock.advance(10000)]) {
    const { call, clock, WebSocketClass } = await refusedFor(42);
    await clock.advance(42000);
    let changes = 0;
    call.addEventListener('change', () => { changes += 1; });

    await fail(WebSocketClass, clock);

    assert.equal(call.snapshot().refusal, null);
    assert.ok(changes > 0);
  }
});

test('every change is announced', async () => {
  const { call, socket } = await byHand();
  let changes = 0;
  call.addEventListener('change', () => { changes += 1; });
  socket.hear({ type: 'joined', revision: 11, member: member('dan', 99) });
  socket.hear({ type: 'lock', revision: 12, locked: true });
  socket.drop();
  assert.ok(changes >= 3);
});

test('a server that restarts and knows nothing any more is told what others saw, and connections that are up go on', async () => {
  const { clock, enter, network, server } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');
  bob.call.setState({ hand: true });
  await settle();
  const before = network.all.length;

  server.restart();
  await clock.advance(10000);

  assert.equal(phases(alice, bob), 'connected connected');
  assert.equal(alice.now.peers[0].state.name, 'Bob');
  assert.equal(alice.now.peers[0].state.hand, true);
  assert.equal(bob.now.peers[0].state.name, 'Alice');
  assert.equal(network.all.length, before);
});

test('who comes back so late that the others have forgotten the stream builds anew at once', async () => {
  const { clock, enter, network, server } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');
  const { id } = bob.now.me;
  server.faults.unreachable = true;
  network.cut();
  socketOf(server, bob).end(1006);
  server.lose(id);
  await clock.advance(30000);
  assert.equal(alice.now.peers.length, 0);

  network.up = true;
  server.faults.unreachable = false;
  bob.page.dispatchEvent(new Event('online'));
  await clock.advance(2000);

  assert.equal(bob.now.me.id, id);
  assert.equal(phases(alice, bob), 'connected connected');
});

test('who joins again without having been seen to leave may have forgotten the stream: a connection that is not up is built anew', async () => {
  const { clock, network, socket } = await byHand([member('bob', 1)]);
  await clock.advance(100);

  socket.hear({ type: 'joined', revision: 11, member: member('bob', 1) });
  await clock.advance(100);

  assert.deepEqual(network.all.map(({ connectionState }) => connectionState), ['closed', 'new']);
  assert.equal(new Set(socket.sentOf('signal').map(({ stream }) => stream)).size, 2);
});

test('what was not acknowledged is sent again once, not twice, by who comes back', async () => {
  const { call, clock, socket, WebSocketClass, welcome } = await byHand([member('dan', 9)]);
  await clock.advance(100);
  const offers = socket.sentOf('signal').length;
  socket.drop();
  await clock.advance(500);
  WebSocketClass.newest.open();
  WebSocketClass.newest.hear({ ...welcome, resumed: true });
  await settle();

  const again = WebSocketClass.newest.sentOf('signal').map(({ seq }) => seq);
  assert.ok(offers > 0);
  assert.deepEqual(again, [...new Set(again)]);
  assert.equal(call.snapshot().socket, 'up');
});

const tooMuch = (about) => ({ type: 'error', code: 'rate-limited', text: '', retry_after: 2, about });

test('a question that came over the limit is asked again when the time is up', async () => {
  const { clock, socket } = await byHand();
  socket.hear({ type: 'joined', revision: 20, member: member('dan', 99) });
  socket.hear(tooMuch('members'));

  socket.hear({ type: 'joined', revision: 30, member: member('eve', 100) });
  await clock.advance(1999);
  assert.equal(socket.sentOf('members').length, 1);

  await clock.advance(1);
  assert.equal(socket.sentOf('members').length, 2);
});

test('a state that came over the limit, and what has changed since, is said when the time is up', async () => {
  const { call, clock, socket } = await byHand();
  call.setState({ hand: true });
  socket.hear(tooMuch('state'));
  call.setState({ sharing: true });
  assert.equal(socket.sentOf('state').length, 1);

  await clock.advance(2000);

  assert.deepEqual(socket.sentOf('state').slice(1), [{ type: 'state', ...call.snapshot().me.state }]);
  assert.deepEqual([call.snapshot().me.state.hand, call.snapshot().me.state.sharing], [true, true]);
});

test('a lock that came over the limit, or was wanted since, is asked for when the time is up', async () => {
  for (const about of ['lock', 'signal']) {
    const { call, clock, socket } = await byHand();
    if (about === 'lock') call.setLocked(true);
    socket.hear(tooMuch(about));
    if (about === 'signal') call.setLocked(true);
    const before = socket.sentOf('lock').length;
    assert.equal(call.snapshot().locked, false);

    await clock.advance(2000);

    assert.equal(socket.sentOf('lock').length, before + 1);
  }
});

test('a report wanted while nothing may be said is made when the time is up', async () => {
  const { clock, network, socket } = await byHand([member('bob', 1)], {}, { features: ['report'] });
  await clock.advance(100);
  socket.hear(tooMuch('signal'));
  network.all[0].become('connected');
  await settle();
  assert.equal(socket.sentOf('report').length, 0);

  await clock.advance(2000);

  assert.equal(socket.sentOf('report').length, 1);
});

test('servers that the browser cannot read are done without', async () => {
  class PickyPeerConnection extends new FakeNetwork().PeerConnectionClass {
    constructor(configuration) {
      if (configuration.iceServers.length > 0) throw new SyntaxError('no URL');
      super(configuration);
    }
  }
  const people = [member('bob', 1), member('carol', 2)];
  const options = { RTCPeerConnectionClass: PickyPeerConnection, relayOnly: true };
  const { call, clock, names, socket } = await byHand(people, options, { ice_servers: [{ urls: 'turnx:a' }] });
  await clock.advance(100);

  assert.equal(call.snapshot().phase, 'connecting');
  assert.equal(names(), 'bob carol');
  assert.deepEqual(new Set(socket.sentOf('signal').map(({ to }) => to)), new Set(['bob', 'carol']));
  for (const { pc } of call.snapshot().peers) assert.equal(pc.configurations[0].iceTransportPolicy, 'relay');
});

test('hanging up closes every connection, also one that has no room for a goodbye', async () => {
  const { clock, enter, server } = aRoom();
  const alice = await enter('Alice');
  for (const name of ['Bob', 'Carol']) await enter(name);
  server.drop = () => true;
  const mine = alice.now.peers.map(({ pc }) => pc);
  for (let n = 0; n < 128; n += 1) {
    mine[0].onicecandidate({ candidate: { candidate: `candidate:${n}`, sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'x' } });
    await clock.advance(51);
  }

  await hangUp(alice, clock);

  assert.equal(alice.now.phase, 'ended');
  assert.equal(alice.now.peers.length, 0);
  assert.deepEqual(mine.map(({ connectionState }) => connectionState), ['closed', 'closed']);
});

test('hanging up closes every connection, also when a goodbye fails', async () => {
  const { clock, enter } = aRoom();
  const alice = await enter('Alice');
  for (const name of ['Bob', 'Carol']) await enter(name);
  const mine = alice.now.peers.map(({ pc }) => pc);
  Object.defineProperty(mine[0].dataChannel, 'bufferedAmount', { get: () => { throw new Error('gone'); } });

  await hangUp(alice, clock);

  assert.deepEqual(mine.map(({ connectionState }) => connectionState), ['closed', 'closed']);
});

test('a call that has ended leaves no timer and no peer connection', async () => {
  const { clock, enter, network } = aRoom();
  const alice = await enter('Alice');
  const bob = await enter('Bob');
  await hangUp(alice, clock);
  await hangUp(bob, clock);
  await clock.advance(100);

  assert.equal(clock.waiting, 0);
  for (const pc of network.all) assert.equal(pc.connectionState, 'closed');
});
