/** The words on the stage, and the buttons under them. What to say comes in; which button was pressed goes out. */

import { actionName } from './words.js';

const PRIMARY = new Set(['copy', 'unlock', 'again', 'retry', 'other', 'reload', 'sound']);

/** Event "action": somebody pressed a button; `detail` is {action, about}, where about is the part of the screen it stands in. */
export class Notices extends EventTarget {
  #root;
  #status;
  #said = new Map(); // about -> what it says now, so that nothing is said twice
  #listening = new AbortController();

  /** @param {HTMLElement} root holds a [data-words] for each subject, and one [role="status"] that is always there */
  constructor(root) {
    super();
    this.#root = root;
    this.#status = root.querySelector('[role="status"]');
    root.addEventListener('click', (event) => {
      const button = event.target.closest('[data-action]');
      if (!button) return;
      const about = button.closest('[data-words]').dataset.words;
      this.dispatchEvent(new CustomEvent('action', { detail: { action: button.dataset.action, about } }));
    }, { signal: this.#listening.signal });
  }

  /** @param {"call"|"devices"|"sound"|"copy"} about @param {{title: string, text: string, actions: string[], countsDown?: boolean}|null} words null: says nothing */
  say(about, words) {
    const now = JSON.stringify(words);
    const before = this.#said.get(about) ?? 'null';
    if (before === now) return;
    this.#said.set(about, now);
    const box = this.#box(about);
    box.dataset.empty = String(!words);
    setText(box.querySelector('.words-title'), words?.title ?? '');
    setText(box.querySelector('.words-text'), words?.text ?? '');
    this.#offer(box, words?.actions ?? []);
    if (!isNextFigure(JSON.parse(before), words)) this.#readAloud(about, words);
  }

  // The boxes come and go; a screen reader hears only what changes in a place that was there before.
  #readAloud(about, words) {
    this.#status.querySelector(`[data-about="${about}"]`)?.remove();
    if (!words) return;
    const line = document.createElement('p');
    line.dataset.about = about;
    line.textContent = `${words.title}. ${words.text}`.trim();
    this.#status.append(line);
  }

  // Buttons that stay keep their place in the page, and with it the focus.
  #offer(box, actions) {
    const row = box.querySelector('.words-actions');
    const before = [...row.children].map((button) => button.dataset.action);
    if (before.join() !== actions.join()) row.replaceChildren(...actions.map(makeButton));
  }

  /** Says for a moment what a button has done, in its own place. */
  rename(about, action, name) {
    const button = this.#box(about).querySelector(`[data-action="${action}"]`);
    if (button) button.textContent = name ?? actionName(action);
  }

  /** Puts the focus where the words are, for those who go by the keyboard or by ear. */
  focus(about) {
    this.#box(about).querySelector('.words-title').focus({ preventScroll: true });
  }

  #box(about) {
    return this.#root.querySelector(`[data-words="${about}"]`);
  }

  close() {
    this.#listening.abort();
    for (const about of this.#said.keys()) this.say(about, null);
  }
}

function makeButton(action, index) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = index === 0 && PRIMARY.has(action) ? 'button button-primary' : 'button';
  button.dataset.action = action;
  button.textContent = actionName(action);
  return button;
}

// Seconds that count down are seen, and not read aloud one by one.
function isNextFigure(before, words) {
  return Boolean(before?.countsDown && words?.countsDown) && before.title === words.title;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
