// How long to wait before the next attempt to connect: full jitter, so that those who lost a server together do not come back together.

const FIRST_CAPS_MS = [500, 1000, 2000, 4000];
const CAP_MS = 20000;

/**
 * Milliseconds to wait before an attempt.
 * @param {number} attempt 0 for the first one
 * @param {() => number} random from 0 up to, not including, 1
 * @param {number|null} [retryAfterMs] what the server asked for, which takes the place of our own
 */
export function delay(attempt, random, retryAfterMs = null) {
  if (retryAfterMs !== null) return retryAfterMs;
  return random() * (FIRST_CAPS_MS[attempt] ?? CAP_MS);
}
