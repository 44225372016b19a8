/** What somebody sees who comes by a link: the code, and two ways to begin. */

/** Event "join": `detail` is {video}. */
export class Lobby extends EventTarget {
  #section;
  #listening = new AbortController();

  /** @param {HTMLElement} section holds a [data-join="video"] and a [data-join="voice"] */
  constructor(section) {
    super();
    this.#section = section;
    for (const button of section.querySelectorAll('[data-join]')) {
      const detail = { video: button.dataset.join === 'video' };
      const join = () => this.dispatchEvent(new CustomEvent('join', { detail }));
      button.addEventListener('click', join, { signal: this.#listening.signal });
    }
    section.hidden = false;
  }

  close() {
    this.#listening.abort();
    this.#section.hidden = true;
  }
}
