import assert from 'node:assert/strict';
import { test } from 'node:test';

import { systemClock } from '../../static/js/clock.js';

test('a wall clock that is set back does not set this one back', ({ mock }) => {
  const before = systemClock.now();

  mock.method(Date, 'now', () => 0);

  assert.ok(systemClock.now() >= before);
});
