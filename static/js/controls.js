/** The round buttons at the foot of the stage, their keys, and how they step back when nobody moves. */

import { gettext } from './texts.js';

const STILL_MS = 3000; // how long nobody moves before the bar steps back
const KEYS = { m: 'microphone', v: 'camera', c: 'copy' };

const NAMES = {
  microphone: { on: () => gettext('Mute microphone'), off: () => gettext('Unmute microphone') },
  camera: { on: () => gettext('Turn camera off'), off: () => gettext('Turn camera on') },
  copy: { on: () => gettext('Copy link'), off: () => gettext('Link copied') },
  lock: { on: () => gettext('Lock call'), off: () => gettext('Unlock call') },
};

/** Event "press": `detail` is the name of the control: microphone, camera, copy, lock or hang-up. */
export class Controls extends EventTarget {
  #bar;
  #page;
  #mayStepBack = false;
  #held = false; // by focus from the keyboard
  #waking = false; // the press that is going on began while the bar could not be seen
  #still;
  #listening = new AbortController();

  /** @param {HTMLElement} bar @param {HTMLElement} page gets data-still while the bar has stepped back */
  constructor(bar, page) {
    super();
    this.#bar = bar;
    this.#page = page;
    const { signal } = this.#listening;
    bar.addEventListener('click', (event) => this.#pressed(event), { signal });
    // A press that begins where nothing is to be seen only brings the bar back. Known before that same press wakes it.
    document.addEventListener('pointerdown', () => (this.#waking = 'still' in page.dataset), { signal, capture: true });
    for (const type of ['click', 'keydown']) document.addEventListener(type, () => (this.#waking = false), { signal });
    document.addEventListener('keydown', (event) => this.#key(event), { signal });
    for (const type of ['pointermove', 'pointerdown', 'keydown', 'focusin']) {
      document.addEventListener(type, () => this.#wake(), { signal, passive: true });
    }
    // The bar waits while the focus is inside it, except for the focus that a press of the pointer leaves behind.
    bar.addEventListener('focusin', ({ target }) => (this.#held = target.matches(':focus-visible')), { signal });
    bar.addEventListener('keydown', () => (this.#held = true), { signal });
    bar.addEventListener('focusout', () => (this.#held = false), { signal });
    bar.hidden = false;
  }

  /**
   * @param {{ microphone: string, camera: string, locked: boolean, mayLock: boolean, copied: boolean, offersCopy: boolean, mayStepBack: boolean }} view
   *   `offersCopy`: false while the words above have that button
   */
  show({ microphone, camera, locked, mayLock, copied, offersCopy, mayStepBack }) {
    this.#set('microphone', microphone === 'on');
    this.#set('camera', camera === 'on');
    this.#set('copy', !copied);
    this.#set('lock', !locked);
    this.#control('lock').hidden = !mayLock;
    this.#control('copy').hidden = !offersCopy;
    if (mayStepBack === this.#mayStepBack) return;
    this.#mayStepBack = mayStepBack;
    this.#wake();
  }

  #set(control, on) {
    const button = this.#control(control);
    const state = on ? 'on' : 'off';
    if (button.dataset.state === state) return;
    button.dataset.state = state;
    button.querySelector('[data-name]').textContent = NAMES[control][state]();
  }

  #control(name) {
    return this.#bar.querySelector(`[data-control="${name}"]`);
  }

  #pressed(event) {
    const button = event.target.closest('[data-control]');
    if (button && !this.#waking) this.#press(button.dataset.control);
  }

  // Single letters are for whoever is in the call with the focus: somebody who speaks to the computer may say them at any time.
  #key(event) {
    if (!this.#page.contains(event.target) || event.target.closest('input, textarea, select, [contenteditable]')) return;
    if (event.repeat || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    const control = KEYS[event.key.toLowerCase()];
    if (control) this.#press(control);
  }

  #press(control) {
    this.dispatchEvent(new CustomEvent('press', { detail: control }));
  }

  #wake() {
    delete this.#page.dataset.still;
    clearTimeout(this.#still);
    if (this.#mayStepBack) this.#still = setTimeout(() => this.#stepBack(), STILL_MS);
  }

  #stepBack() {
    const hovered = matchMedia('(hover: hover)').matches && this.#bar.matches(':hover'); // after a touch, :hover stays
    if (this.#held || hovered) return this.#wake();
    this.#page.dataset.still = '';
  }

  /** @param {string} control that gets the focus */
  focus(control) {
    this.#control(control).focus();
  }

  close() {
    this.#listening.abort();
    clearTimeout(this.#still);
    delete this.#page.dataset.still;
    this.#bar.hidden = true;
  }
}
