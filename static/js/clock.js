// The browser's clock and timers as one object, so that a test can put another in its place.

export const systemClock = Object.freeze({
  now: () => Date.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer),
});
