import assert from 'node:assert/strict';
import { test } from 'node:test';

import { delay } from '../../static/js/backoff.js';

test('the first four attempts wait up to 0.5, 1, 2 and 4 seconds, the others up to 20', () => {
  const longest = [0, 1, 2, 3, 4, 5, 100].map((attempt) => delay(attempt, () => 1));
  assert.deepEqual(longest, [500, 1000, 2000, 4000, 20000, 20000, 20000]);
});

test('the first four attempts are made within 10 seconds', () => {
  assert.ok([0, 1, 2, 3].reduce((sum, attempt) => sum + delay(attempt, () => 1), 0) <= 10000);
});

test('the wait is spread from nothing to all of it', () => {
  assert.equal(delay(3, () => 0), 0);
  assert.equal(delay(3, () => 0.25), 1000);
});

test('what the server asks for takes the place of our own wait', () => {
  assert.equal(delay(0, () => 0.5, 7000), 7000);
  assert.equal(delay(9, () => 0.5, 0), 0);
});
