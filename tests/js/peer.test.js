import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Peer } from '../../static/js/peer.js';
import { FakeClock, FakeMediaStream, FakeNetwork, FakeTrack, seeded, settle } from './fakes.js';

const voice = () => new FakeMediaStream([new FakeTrack('audio')]);
const camera = (stream) => stream.addTrack(new FakeTrack('video')) ?? stream;

/** Alice was there first; Bob is the later one. `path.up` is whether the server passes messages on; `path.lose` drops some. */
function setUp({ later = { alice: false, bob: true } } = {}) {
  const clock = new FakeClock();
  const network = new FakeNetwork();
  const path = { up: true, lose: () => false, log: [] };
  const ends = {};
  const pass = (from, to) => (envelope) => {
    if (!path.up) return false;
    const copy = JSON.parse(JSON.stringify(envelope));
    path.log.push({ from, ...copy });
    if (!path.lose(from, copy)) queueMicrotask(() => ends[to].peer.receive(copy));
    return true;
  };
  for (const [name, other, seed] of [['alice', 'bob', 1], ['bob', 'alice', 2]]) {
    const events = [];
    const stream = voice();
    const peer = new Peer({
      id: other, later: later[name], ice: { iceServers: [] }, stream, send: pass(name, other), clock, random: seeded(seed),
      RTCPeerConnectionClass: network.PeerConnectionClass, MediaStreamClass: FakeMediaStream,
    });
    peer.addEventListener('change', () => events.push(peer.link));
    peer.addEventListener('gone', ({ detail }) => events.push(`gone: ${detail.reason}`));
    ends[name] = { peer, stream, events, get pc() { return peer.pc; } };
  }
  const both = [ends.alice, ends.bob];
  const links = () => both.map(({ peer }) => peer.link).join(' ');
  const setReachable = (up) => {
    path.up = up;
    for (const { peer } of both) peer.setReachable(up);
  };
  return { clock, network, path, ...ends, both, links, setReachable };
}

async function connected(options) {
  const all = setUp(options);
  all.bob.peer.open();
  await all.clock.advance(500);
  assert.equal(all.links(), 'connected connected');
  return all;
}

const offersIn = (path, name) => path.log.filter(({ from, body }) => from === name && body?.description?.type === 'offer').length;
const streamsIn = (path) => new Set(path.log.map(({ stream }) => stream)).size;

test('only the later one offers, once, and both are connected', async () => {
  const { alice, bob, path } = await connected();

  assert.equal(bob.pc.offers, 1);
  assert.equal(alice.pc.offers, 0);
  assert.equal(streamsIn(path), 1);
});

test('the earlier one opens nothing by itself', async () => {
  const { alice, clock, path } = setUp();

  alice.peer.open();
  alice.peer.setTracks(voice());
  alice.peer.restartIce();
  await clock.advance(60000);

  assert.equal(alice.pc, null);
  assert.equal(path.log.length, 0);
});

test('audio and video are negotiated in that order by the first offer, camera or not', async () => {
  const { both } = await connected();
  for (const { pc } of both) {
    assert.deepEqual(pc.negotiatedKinds, ['audio', 'video']);
    assert.deepEqual(pc.getTransceivers().map(({ direction }) => direction), ['sendrecv', 'sendrecv']);
  }
});

test('each end sends its own tracks and shows the other\'s', async () => {
  const { both } = await connected();
  for (const { pc, peer, stream } of both) {
    assert.equal(pc.getTransceivers()[0].sender.track, stream.getTracks()[0]);
    assert.equal(pc.getTransceivers()[1].sender.track, null);
    assert.deepEqual(peer.remoteStream.getTracks().map(({ kind }) => kind), ['audio', 'video']);
  }
});

test('cameras switched on by both in the same moment need no negotiation', async () => {
  const { both, clock, links } = await connected();

  for (const { peer, stream } of both) peer.setTracks(camera(stream));
  await clock.advance(1000);

  for (const { pc, stream } of both) {
    assert.equal(pc.getTransceivers()[1].sender.track, stream.getTracks()[1]);
    assert.equal(pc.offers + pc.rollbacks, pc === both[1].pc ? 1 : 0);
  }
  assert.equal(links(), 'connected connected');
});

test('a camera switched off leaves the sender empty', async () => {
  const { alice, clock } = await connected();
  alice.peer.setTracks(camera(alice.stream));
  await clock.advance(100);

  alice.peer.setTracks(voice());
  await clock.advance(100);

  assert.equal(alice.pc.getTransceivers()[1].sender.track, null);
});

test('tracks changed before the first offer arrives are sent', async () => {
  const { alice, bob, clock } = setUp();
  alice.peer.setTracks(camera(alice.stream));
  bob.peer.open();
  await clock.advance(500);

  assert.equal(alice.pc.getTransceivers()[1].sender.track.kind, 'video');
  assert.equal(alice.pc.offers, 0);
});

test('the data channel has the agreed label and id at both ends', async () => {
  const { both } = await connected();
  for (const { pc } of both) {
    assert.equal(pc.dataChannel.label, 'gruveo.v1');
    assert.deepEqual(pc.dataChannel.options, { negotiated: true, id: 0, ordered: true });
  }
});

test('candidates made within 50 ms go in one message, after their description', async () => {
  const { path } = await connected();
  for (const name of ['alice', 'bob']) {
    const bodies = path.log.filter(({ from, body }) => from === name && body).map(({ body }) => Object.keys(body)[0]);
    assert.deepEqual(bodies, ['description', 'candidates']);
    assert.equal(path.log.find(({ from, body }) => from === name && body?.candidates).body.candidates.length, 2);
  }
});

test('it connects over a path that loses half', async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const { bob, clock, links, path } = setUp();
    const random = seeded(seed);
    path.lose = () => random() < 0.5;
    bob.peer.open();
    await clock.advance(60000);
    assert.equal(links(), 'connected connected', `seed ${seed}`);
  }
});

test('an offer that went out while the other was away is sent again when it is back', async () => {
  const { bob, clock, links, setReachable } = setUp();
  setReachable(false);
  bob.peer.open();
  await clock.advance(5000);
  assert.equal(links(), 'connecting connecting');

  setReachable(true);
  await clock.advance(500);

  assert.equal(links(), 'connected connected');
});

test('a path that breaks is interrupted, and mended by an ICE restart of the later one', async () => {
  const { alice, bob, clock, links, network, path } = await connected();
  const pcs = [alice.pc, bob.pc];
  network.cut();
  await clock.advance(100);
  assert.equal(links(), 'interrupted interrupted');
  assert.equal(offersIn(path, 'bob'), 1);

  network.up = true;
  await clock.advance(2500);

  assert.equal(links(), 'connected connected');
  assert.deepEqual([alice.pc, bob.pc], pcs);
  assert.equal(offersIn(path, 'bob'), 2);
  assert.equal(offersIn(path, 'alice'), 0);
  assert.ok(path.log.some(({ from, body }) => from === 'alice' && body?.restart));
});

test('a path that fails outright is restarted at once', async () => {
  const { bob, clock, links, network } = await connected();
  bob.pc.brokenAt = bob.pc.ufrag;
  network.other(bob.pc).brokenAt = network.other(bob.pc).ufrag;
  bob.pc.become('failed');
  network.other(bob.pc).become('failed');
  await clock.advance(200);

  assert.equal(links(), 'connected connected');
});

test('only the earlier one sees that it is broken: it asks, and the later one restarts', async () => {
  const { alice, bob, clock, links, path } = await connected();
  alice.pc.become('disconnected');
  await clock.advance(2000);

  assert.equal(links(), 'connected connected');
  assert.equal(offersIn(path, 'bob'), 2);
  assert.equal(bob.pc.offers, 2);
});

test('restarts that cross end connected, the polite one having yielded', async () => {
  const { alice, bob, both, clock, links, network } = await connected();
  network.cut();
  network.up = true;

  for (const { peer } of both) peer.restartIce();
  await clock.advance(1000);

  assert.equal(links(), 'connected connected');
  assert.equal(alice.pc.rollbacks, 1);
  assert.equal(bob.pc.rollbacks, 0);
  for (const { pc } of both) assert.equal(pc.signalingState, 'stable');
});

test('restarts that cross end connected over a path that loses a third', async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const { both, clock, links, network, path } = await connected();
    const random = seeded(seed);
    path.lose = () => random() < 0.33;
    network.cut();
    network.up = true;
    for (const { peer } of both) peer.restartIce();
    await clock.advance(30000);
    assert.equal(links(), 'connected connected', `seed ${seed}`);
  }
});

test('a connection that is not up after 15 seconds is built anew on a new stream, by the later one', async () => {
  const { alice, bob, clock, links, network, path } = setUp();
  network.up = false;
  bob.peer.open();
  await clock.advance(500);
  const [first, stream] = [bob.pc, path.log[0].stream];
  await clock.advance(14400);
  assert.equal(bob.pc, first);

  await clock.advance(200);
  assert.notEqual(bob.pc, first);
  assert.equal(first.connectionState, 'closed');
  assert.equal(links(), 'rebuilding rebuilding');
  assert.notEqual(path.log.at(-1).stream, stream);

  network.up = true;
  network.look();
  await clock.advance(500);
  assert.equal(links(), 'connected connected');
  assert.equal(network.all.length, 4);
  assert.equal(alice.pc.offers, 0);
});

test('the earlier one builds nothing anew, however long it waits', async () => {
  const { alice, clock, network, path } = await connected();
  const first = alice.pc;
  network.cut();
  path.lose = (from) => from === 'bob';

  await clock.advance(60000);

  assert.equal(alice.pc, first);
});

test('an interruption that restarts do not cure is built anew too', async () => {
  const { bob, clock, links, network } = await connected();
  const first = bob.pc;
  network.cut();
  await clock.advance(15500);
  assert.notEqual(bob.pc, first);

  network.up = true;
  network.look();
  await clock.advance(6000);
  assert.equal(links(), 'connected connected');
});

test('nothing is built anew while the other cannot be told', async () => {
  const { bob, clock, network, setReachable } = await connected();
  const first = bob.pc;
  network.cut();
  setReachable(false);

  await clock.advance(60000);
  assert.equal(bob.pc, first);

  network.up = true;
  setReachable(true);
  await clock.advance(6000);
  assert.equal(bob.peer.link, 'connected');
  assert.equal(bob.pc, first);
});

test('what still arrives on an ended stream opens nothing', async () => {
  const { alice, clock, network, path } = await connected();
  const old = path.log.filter(({ from }) => from === 'bob');
  network.cut();
  await clock.advance(15500);
  network.up = true;
  network.look();
  await clock.advance(6000);
  const current = alice.pc;

  for (const envelope of old) alice.peer.receive(envelope);
  await clock.advance(100);

  assert.equal(alice.pc, current);
});

test('the later one drops a stream that it did not open; an ack opens none', async () => {
  const { alice, bob, clock, path } = setUp();
  bob.peer.receive({ stream: 'forged', seq: 1, body: { description: { type: 'offer', sdp: '{}' } } });
  alice.peer.receive({ stream: 'forged', ack: 3 });
  await clock.advance(100);

  assert.equal(bob.pc, null);
  assert.equal(alice.pc, null);
  assert.equal(path.log.length, 0);
});

test('bodies that nobody knows are acknowledged and change nothing', async () => {
  const { alice, clock, links, path } = await connected();
  const { stream } = path.log[0];
  const last = Math.max(...path.log.filter(({ from }) => from === 'bob').map(({ seq }) => seq ?? 0));
  const rubbish = [null, 3, 'x', [], {}, { description: {} }, { description: { type: 'pranswer', sdp: '' } }, { candidates: [null] }, { dance: true }, { description: { type: 'answer', sdp: 'x' } }];
  rubbish.forEach((body, index) => alice.peer.receive({ stream, seq: last + 1 + index, ack: 0, body }));
  await clock.advance(400);

  assert.equal(links(), 'connected connected');
  assert.equal(path.log.filter(({ from, ack }) => from === 'alice' && ack === last + rubbish.length).length, 1);
});

test('while the server is away an ICE restart goes over the data channel', async () => {
  const { bob, clock, path, links, setReachable } = await connected();
  setReachable(false);
  const count = path.log.length;

  bob.peer.restartIce();
  await clock.advance(1000);

  assert.equal(path.log.length, count);
  assert.ok(bob.pc.dataChannel.sent.some(({ type, to, body }) => type === 'signal' && to === undefined && body.description?.type === 'offer'));
  assert.equal(bob.pc.signalingState, 'stable');
  assert.equal(links(), 'connected connected');
});

test('what is lost on the data channel is said there again while the server is away', async () => {
  const { bob, clock, network, setReachable } = await connected();
  setReachable(false);
  network.up = false;
  bob.peer.restartIce();
  await clock.advance(500);
  assert.equal(bob.pc.signalingState, 'have-local-offer');

  network.up = true;
  await clock.advance(1000);

  assert.equal(bob.pc.signalingState, 'stable');
});

test('a data channel that opens while the server is away is told at once what waits', async () => {
  const { alice, bob, clock, path, setReachable } = setUp();
  let swallowed = 0;
  path.lose = (from, { body }) => (from === 'alice' ? !body?.description : Boolean(body?.candidates) && swallowed++ === 0);
  alice.peer.addEventListener('change', () => setReachable(alice.peer.link !== 'connected'));
  bob.peer.open();
  await clock.advance(1100); // Bob's timer of a second brings them together

  assert.equal(alice.peer.link, 'connected');
  assert.ok(alice.pc.dataChannel.sent.some(({ body }) => body?.candidates));
});

test('a goodbye over the data channel is heard', async () => {
  const { alice, bob, clock, setReachable } = await connected();
  setReachable(false);

  const said = bob.peer.bye();
  await clock.advance(100);

  assert.equal(await said, true);
  assert.equal(alice.events.at(-1), 'gone: bye');
});

test('a goodbye is heard although a dead socket has swallowed what was said before it', async () => {
  const { alice, bob, clock, path } = await connected();
  path.lose = () => true;
  bob.peer.restartIce();
  await clock.advance(100);

  path.up = false; // the socket is closed now
  const said = bob.peer.bye();
  await clock.advance(100);

  assert.equal(await said, true);
  assert.equal(alice.events.at(-1), 'gone: bye');
});

test('a goodbye without a data channel cannot be said', async () => {
  const { bob } = setUp();
  assert.equal(await bob.peer.bye(), false);
});

test('a lost member stays while its media lives, and is gone with it', async () => {
  const { alice, clock, network, setReachable } = await connected();
  setReachable(false);
  alice.peer.setLost(true);
  await clock.advance(60000);
  assert.equal(alice.peer.link, 'connected');

  network.cut();
  await clock.advance(9000);
  assert.equal(alice.peer.link, 'interrupted');
  await clock.advance(1500);
  assert.equal(alice.events.at(-1), 'gone: lost');
});

test('a lost member that has its place back is not given up, however long its path stays down', async () => {
  const { alice, clock, network } = await connected();
  network.cut();
  alice.peer.setLost(true);
  await clock.advance(5000);

  alice.peer.setLost(false);
  await clock.advance(60000);

  assert.ok(!alice.events.some((event) => event.startsWith('gone')), alice.events);
});

test('a path that breaks soon after a renewal is built anew at once, and later it is mended first', async () => {
  for (const [ms, streams] of [[9000, 2], [11000, 1]]) {
    const { bob, clock, network, path } = await connected();
    bob.peer.renew();
    await clock.advance(ms);
    assert.equal(streamsIn(path), 1);

    network.cut();
    await clock.advance(100);
    assert.equal(streamsIn(path), streams);
  }
});

test('a lost member that never was connected is gone at once', async () => {
  const { alice, bob } = setUp();
  alice.peer.setLost(true);
  bob.peer.open();
  bob.peer.setLost(true);
  await settle();

  assert.deepEqual(alice.events, ['gone: lost']);
  assert.deepEqual(bob.events, ['gone: lost']);
});

test('fresh ICE servers reach this connection and the next', async () => {
  const { bob, clock, network } = await connected();
  const fresh = [{ urls: ['turn:new.example.org'] }];

  bob.peer.setIce({ iceServers: fresh });
  assert.deepEqual(bob.pc.configurations.at(-1).iceServers, fresh);
  network.cut();
  await clock.advance(16000);

  assert.deepEqual(bob.pc.configurations[0].iceServers, fresh);
});

/** So many candidates, each in a message of its own: 128 of them may be unacknowledged. */
async function sayTooMuch(pc, clock, count = 130) {
  for (let n = 0; n < count; n += 1) {
    pc.onicecandidate?.({ candidate: { candidate: `candidate:${n}`, sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'x' } });
    await clock.advance(60);
  }
}

test('too many unacknowledged messages end the stream, and the later one begins anew', async () => {
  const { bob, clock, links, path } = await connected();
  path.lose = () => true;
  const first = bob.pc;
  await sayTooMuch(first, clock);
  assert.notEqual(bob.pc, first);

  path.lose = () => false;
  await clock.advance(10000);
  assert.equal(links(), 'connected connected');
});

test('the earlier one lets go when too much is unacknowledged, and the later one builds anew when it sees that', async () => {
  const { alice, bob, clock, links, path } = await connected();
  path.lose = () => true;
  const first = alice.pc;
  await sayTooMuch(first, clock);
  assert.equal(alice.pc, null);
  assert.equal(first.connectionState, 'closed');

  path.lose = () => false;
  bob.pc.become('disconnected');
  await clock.advance(20000);
  assert.equal(links(), 'connected connected');
  assert.notEqual(alice.pc, first);
});

test('a goodbye for which the stream has no room cannot be said, by either', async () => {
  for (const name of ['alice', 'bob']) {
    const { [name]: one, clock, path } = await connected();
    path.lose = () => true;
    await sayTooMuch(one.pc, clock, 128);

    const said = one.peer.bye();
    await clock.advance(1000);

    assert.equal(await said, false);
  }
});

test('closing leaves no timer and no open peer connection', async () => {
  const { both, clock, network } = await connected();
  network.cut();
  await clock.advance(2000);

  for (const { peer } of both) peer.close();
  for (const { peer } of both) peer.close();

  assert.equal(clock.waiting, 0);
  for (const pc of network.all) assert.equal(pc.connectionState, 'closed');
});

test('an event after closing does nothing', async () => {
  const { alice, clock, network, path } = await connected();
  alice.peer.close();
  const made = network.all.length;

  alice.peer.receive({ stream: 'late', seq: 1, ack: 0, body: {} });
  alice.peer.open();
  alice.peer.setLost(true);
  alice.peer.setReachable(false);
  alice.peer.setTracks(voice());
  alice.peer.restartIce();
  await clock.advance(100);

  assert.equal(network.all.length, made);
  assert.ok(path.log.length > 0);
});
