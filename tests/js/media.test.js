import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Media } from '../../static/js/media.js';
import { FakeDevices, FakeMediaStream, settle } from './fakes.js';

function setUp({ audio = 'ok', video = 'ok' } = {}) {
  const devices = new FakeDevices();
  devices.answers = { audio, video };
  const media = new Media({ devices, MediaStreamClass: FakeMediaStream });
  const events = [];
  for (const type of ['change', 'tracks']) media.addEventListener(type, () => events.push(type));
  return { devices, media, events };
}

const kinds = (media) => media.stream.getTracks().map(({ kind }) => kind).sort().join('+');
const states = (media) => `${media.microphone}, ${media.camera}`;

test('both are asked for at once, and come', async () => {
  const { devices, media } = setUp();

  await media.open({ video: true });

  assert.deepEqual(devices.asked, ['audio+video']);
  assert.equal(states(media), 'on, on');
  assert.equal(kinds(media), 'audio+video');
});

test('a voice call never asks for the camera', async () => {
  const { devices, media } = setUp();

  await media.open({ video: false });

  assert.deepEqual(devices.asked, ['audio']);
  assert.equal(states(media), 'on, off');
});

for (const [error, state] of [['NotAllowedError', 'refused'], ['NotFoundError', 'missing'], ['NotReadableError', 'busy'], ['OverconstrainedError', 'missing'], ['SomethingNew', 'busy']]) {
  test(`with a camera that fails with ${error} the voice goes on`, async () => {
    const { media } = setUp({ video: error });

    await media.open({ video: true });

    assert.equal(states(media), `on, ${state}`);
    assert.equal(kinds(media), 'audio');
  });

  test(`a microphone that fails with ${error} does not reject`, async () => {
    const { media } = setUp({ audio: error });

    await media.open({ video: false });

    assert.equal(states(media), `${state}, off`);
  });
}

test('without a microphone the camera is still had', async () => {
  const { media } = setUp({ audio: 'NotFoundError' });

  await media.open({ video: true });

  assert.equal(states(media), 'missing, on');
});

test('a no to both is not followed by a third question', async () => {
  const { devices, media } = setUp({ audio: 'NotAllowedError', video: 'NotAllowedError' });

  await media.open({ video: true });

  assert.equal(states(media), 'refused, refused');
  assert.deepEqual(devices.asked, ['audio+video', 'audio']);
});

test('without a secure context both are unsupported, and nothing throws', async () => {
  const media = new Media({ devices: undefined, MediaStreamClass: FakeMediaStream });

  await media.open({ video: true });
  await media.setCamera(true);
  await media.setCamera(false);
  media.setMuted(true);

  assert.equal(states(media), 'unsupported, unsupported');
});

test('muting silences the track and keeps it', async () => {
  const { media } = setUp();
  await media.open({ video: false });
  const [track] = media.stream.getTracks();

  media.setMuted(true);
  assert.equal(media.microphone, 'muted');
  assert.equal(track.enabled, false);
  assert.equal(track.readyState, 'live');

  media.setMuted(false);
  assert.equal(media.microphone, 'on');
  assert.equal(track.enabled, true);
});

test('who mutes before the microphone is there comes in muted', async () => {
  const { media } = setUp();

  media.setMuted(true);
  await media.open({ video: false });

  assert.equal(media.microphone, 'muted');
  assert.equal(media.stream.getTracks()[0].enabled, false);
});

test('what is wanted of both can be asked before they are there, and after they are lost', async () => {
  const { media } = setUp();
  assert.deepEqual([media.muted, media.wantsCamera], [false, false]);

  const opening = media.open({ video: true });
  media.setMuted(true);
  assert.deepEqual([media.muted, media.wantsCamera], [true, true]);
  await opening;
  for (const track of media.stream.getTracks()) track.end();

  assert.equal(states(media), 'missing, missing');
  assert.deepEqual([media.muted, media.wantsCamera], [true, true]);
});

test('the camera off ends its track, so that its light goes out; on asks again', async () => {
  const { devices, media, events } = setUp();
  await media.open({ video: true });
  const camera = media.stream.getTracks().find(({ kind }) => kind === 'video');
  events.length = 0;

  await media.setCamera(false);
  assert.equal(camera.readyState, 'ended');
  assert.equal(kinds(media), 'audio');
  assert.deepEqual(events, ['change', 'tracks']);

  await media.setCamera(true);
  assert.equal(media.camera, 'on');
  assert.equal(kinds(media), 'audio+video');
  assert.deepEqual(devices.asked, ['audio+video', 'video']);
});

test('a camera switched off while the question is open stays off', async () => {
  const { devices, media } = setUp();
  await media.open({ video: false });
  let allow;
  devices.gate = new Promise((resolve) => { allow = resolve; });

  const on = media.setCamera(true);
  const off = media.setCamera(false);
  allow();
  await Promise.all([on, off]);

  assert.equal(media.camera, 'off');
  assert.equal(kinds(media), 'audio');
  assert.ok(devices.granted.filter(({ kind }) => kind === 'video').every(({ readyState }) => readyState === 'ended'));
});

test('a camera switched off while the question is open and then refused is off', async () => {
  const { devices, media } = setUp({ video: 'NotAllowedError' });
  let refuse;
  devices.gate = new Promise((resolve) => { refuse = resolve; });

  const on = media.setCamera(true);
  await settle();
  media.setCamera(false);
  refuse();
  await on;

  assert.equal(media.camera, 'off');
});

for (const [error, microphone] of [['NotAllowedError', 'refused'], ['NotFoundError', 'missing']]) {
  test(`a camera switched off while both are asked for is off, and not asked for again, with a microphone that is ${microphone}`, async () => {
    const { devices, media } = setUp({ audio: error });
    let answer;
    devices.gate = new Promise((resolve) => { answer = resolve; });

    const opening = media.open({ video: true });
    await settle();
    media.setCamera(false);
    answer();
    await opening;

    assert.equal(states(media), `${microphone}, off`);
    assert.deepEqual(devices.asked, ['audio+video', 'audio']);
  });
}

test('a camera switched off before it is its turn is not asked for', async () => {
  const { devices, media } = setUp();

  const opening = media.open({ video: true });
  media.setCamera(false);
  await opening;

  assert.deepEqual(devices.asked, ['audio']);
});

test('on twice asks once', async () => {
  const { devices, media } = setUp();

  await Promise.all([media.setCamera(true), media.setCamera(true)]);

  assert.deepEqual(devices.asked, ['video']);
});

test('a device that is pulled out is missing', async () => {
  const { media, events } = setUp();
  await media.open({ video: true });
  events.length = 0;

  for (const track of media.stream.getTracks()) track.end();

  assert.equal(states(media), 'missing, missing');
  assert.equal(kinds(media), '');
  assert.deepEqual(events, ['change', 'tracks', 'change', 'tracks']);
});

test('opening again asks for what is not there only', async () => {
  const { devices, media } = setUp({ video: 'NotReadableError' });
  await media.open({ video: true });
  devices.asked.length = 0;
  devices.answers.video = 'ok';

  await media.open({ video: true });

  assert.deepEqual(devices.asked, ['video']);
  assert.equal(states(media), 'on, on');
});

test('closing stops everything, also what is granted afterwards', async () => {
  const { devices, media } = setUp();
  await media.open({ video: false });
  let allow;
  devices.gate = new Promise((resolve) => { allow = resolve; });
  const on = media.setCamera(true);

  await Promise.resolve();
  media.close();
  allow();
  await on;

  assert.equal(states(media), 'off, off');
  assert.ok(devices.granted.every(({ readyState }) => readyState === 'ended'));
});
