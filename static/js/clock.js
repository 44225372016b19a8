// The browser's clock and timers as one object, so that a test can put another in its place. `now` counts
// from when the page began: as with timers, it makes no difference when the computer's date is set anew.

export const systemClock = Object.freeze({
  now: () => performance.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer),
});
