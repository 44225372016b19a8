/** Keeps the screen from going dark while it is wanted; browsers drop the lock whenever the page is hidden. */
export class WakeLock {
  #page;
  #screen;
  #wanted = false;
  #isAsking = false;
  #lock = null;

  constructor(page = document, screen = navigator.wakeLock) {
    this.#page = page;
    this.#screen = screen;
    page.addEventListener('visibilitychange', () => this.#take());
  }

  /** May be said again and again. */
  want(wanted) {
    this.#wanted = wanted;
    if (wanted) return this.#take();
    this.#lock?.release().catch(() => {});
    this.#lock = null;
  }

  // One request at a time: of two locks only the last would be known, and the other never released.
  async #take() {
    if (!this.#screen || !this.#wanted || this.#isAsking || this.#page.hidden || (this.#lock && !this.#lock.released)) return;
    this.#isAsking = true;
    try {
      const lock = await this.#screen.request('screen');
      if (this.#wanted) this.#lock = lock;
      else await lock.release();
    } catch {
      // battery saver: the call goes on without
    }
    this.#isAsking = false;
  }
}
