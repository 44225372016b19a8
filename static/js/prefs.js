// What this browser remembers: a name, the last codes, a wish to hide the address, and what one page hands to the next. Works, forgetting, where storage is denied.

const RECENT_MOST = 5;
const NAME = 'gruveo.name';
const RECENT = 'gruveo.recent';
const HIDES = 'gruveo.hides-address';
const TOKEN = 'gruveo.token.'; // + code; in sessionStorage, so it ends with the tab
const UNHEARD = 'gruveo.unheard.'; // + code; there too
const INTENT = 'gruveo.intent';
const NONCE = /^[A-Za-z0-9_-]{16,64}$/;

export class Prefs {
  #local;
  #session;

  /** @param {object} [page] whatever has `localStorage` and `sessionStorage`; reading either may throw */
  constructor(page = globalThis) {
    this.#local = new Shelf(() => page.localStorage);
    this.#session = new Shelf(() => page.sessionStorage);
  }

  get name() {
    const name = this.#local.get(NAME);
    return typeof name === 'string' ? name : '';
  }

  set name(name) {
    this.#local.set(NAME, name);
  }

  /** Whether calls go through a relay only, so that the others do not learn this browser's address. */
  get hidesAddress() {
    return this.#local.get(HIDES) === true;
  }

  set hidesAddress(hides) {
    this.#local.set(HIDES, hides);
  }

  /** The codes used last, the newest first. */
  recentCodes() {
    const codes = this.#local.get(RECENT);
    return Array.isArray(codes) ? codes.filter((code) => typeof code === 'string').slice(0, RECENT_MOST) : [];
  }

  rememberCode(code) {
    const others = this.recentCodes().filter((other) => other !== code);
    this.#local.set(RECENT, [code, ...others].slice(0, RECENT_MOST));
  }

  forgetCode(code) {
    this.#local.set(RECENT, this.recentCodes().filter((other) => other !== code));
  }

  /** Keep the resume token of this code for the page after a reload. Best done as the page goes: a tab's copy copies it too. */
  keepToken(code, token) {
    this.#session.set(TOKEN + code, token);
  }

  /** That token, once: it says which member the new page replaces, and a second page must not say so again. */
  takeToken(code) {
    const token = this.#session.take(TOKEN + code);
    return typeof token === 'string' ? token : null;
  }

  /** Keep for the page after a reload that this one may have been let in and has not heard of it: `{nonce, attempt}`. Null forgets it. */
  keepUnheard(code, unheard) {
    if (unheard) this.#session.set(UNHEARD + code, unheard);
    else this.#session.take(UNHEARD + code);
  }

  /** That, once: two pages that say so would put each other out. */
  takeUnheard(code) {
    const unheard = this.#session.take(UNHEARD + code);
    const isWhole = NONCE.test(unheard?.nonce) && Number.isSafeInteger(unheard.attempt) && unheard.attempt >= 0;
    return isWhole ? { nonce: unheard.nonce, attempt: unheard.attempt } : null;
  }

  /** Hand over from the home page that somebody pressed the button for this code: `{code, video}`. */
  keepIntent({ code, video }) {
    this.#session.set(INTENT, { code, video });
  }

  /** That intent, once, if it is for this code; else null. */
  takeIntent(code) {
    const intent = this.#session.take(INTENT);
    if (intent?.code !== code) return null;
    return { code, video: intent.video === true };
  }
}

// One storage area holding JSON. Private windows, blocked cookies and full disks throw: then nothing is kept, and nothing breaks.
class Shelf {
  #area;

  constructor(area) {
    this.#area = area;
  }

  get(key) {
    return this.#attempt((area) => JSON.parse(area.getItem(key)));
  }

  set(key, value) {
    this.#attempt((area) => area.setItem(key, JSON.stringify(value)));
  }

  take(key) {
    const value = this.get(key);
    this.#attempt((area) => area.removeItem(key));
    return value;
  }

  #attempt(use) {
    try {
      return use(this.#area()) ?? null;
    } catch {
      return null;
    }
  }
}
