/** What somebody sees who comes by a link: the code, two ways to begin, and a field for a name. */

/** Event "join": `detail` is {video, name}. */
export class Lobby extends EventTarget {
  #section;
  #listening = new AbortController();

  /** @param {HTMLElement} section holds a form with a [data-join="video"] first, a [data-join="voice"] and a field @param {{ name: string }} known */
  constructor(section, { name }) {
    super();
    this.#section = section;
    const field = section.querySelector('.lobby-name');
    field.value = name;
    section.querySelector('form').addEventListener('submit', (event) => {
      event.preventDefault();
      const video = event.submitter?.dataset.join !== 'voice'; // Enter counts as the first button
      this.dispatchEvent(new CustomEvent('join', { detail: { video, name: field.value.trim() } }));
    }, { signal: this.#listening.signal });
    section.hidden = false;
    if (matchMedia('(hover: hover) and (pointer: fine)').matches) section.querySelector('[data-join="video"]').focus({ preventScroll: true });
  }

  close() {
    this.#listening.abort();
    this.#section.hidden = true;
  }
}
