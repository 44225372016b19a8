import assert from 'node:assert/strict';
import test from 'node:test';
import { WakeLock } from '../../static/js/wake-lock.js';
import { settle } from './fakes.js';

function setUp() {
  const page = Object.assign(new EventTarget(), { hidden: false });
  const locks = [];
  const waiting = [];
  const screen = {
    request: () => new Promise((resolve, reject) => waiting.push({ resolve, reject })),
  };
  const grant = async () => {
    const lock = { released: false, release: async () => void (lock.released = true) };
    locks.push(lock);
    waiting.shift().resolve(lock);
    await settle();
    return lock;
  };
  const held = () => locks.filter(({ released }) => !released).length;
  return { page, waiting, grant, held, wakeLock: new WakeLock(page, screen) };
}

test('who asks again while the browser thinks holds one lock, and none afterwards', async () => {
  const { page, waiting, grant, held, wakeLock } = setUp();
  for (let round = 0; round < 3; round += 1) wakeLock.want(true);
  page.dispatchEvent(new Event('visibilitychange'));
  assert.equal(waiting.length, 1);

  await grant();
  assert.equal(held(), 1);
  wakeLock.want(true);
  assert.equal(waiting.length, 0);

  wakeLock.want(false);
  await settle();
  assert.equal(held(), 0);
});

test('a lock that comes when none is wanted any more is given back', async () => {
  const { grant, held, wakeLock } = setUp();
  wakeLock.want(true);
  wakeLock.want(false);
  await grant();
  assert.equal(held(), 0);
});

test('a page that is shown again takes the lock again, and a refusal is no end', async () => {
  const { page, waiting, grant, held, wakeLock } = setUp();
  wakeLock.want(true);
  const lock = await grant();
  lock.released = true; // as browsers do
  page.hidden = true;
  page.dispatchEvent(new Event('visibilitychange'));
  assert.equal(waiting.length, 0);

  page.hidden = false;
  page.dispatchEvent(new Event('visibilitychange'));
  waiting.shift().reject(new Error('battery saver'));
  await settle();
  wakeLock.want(true);
  await grant();
  assert.equal(held(), 1);
});

test('a browser without wake locks is fine', () => {
  new WakeLock(new EventTarget(), null).want(true);
});
