import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Prefs } from '../../static/js/prefs.js';

class FakeStorage {
  items = new Map();
  getItem = (key) => this.items.get(key) ?? null;
  setItem = (key, value) => this.items.set(key, String(value));
  removeItem = (key) => this.items.delete(key);
}

const aPage = () => ({ localStorage: new FakeStorage(), sessionStorage: new FakeStorage() });
const DENIED = {
  get localStorage() {
    throw new Error('SecurityError');
  },
  get sessionStorage() {
    throw new Error('SecurityError');
  },
};

test('a name is remembered by the next page', () => {
  const page = aPage();
  assert.equal(new Prefs(page).name, '');

  new Prefs(page).name = 'Alice';

  assert.equal(new Prefs(page).name, 'Alice');
});

test('the last five codes are kept, the newest first and each once', () => {
  const prefs = new Prefs(aPage());
  for (const code of ['a', 'b', 'c', 'd', 'b', 'e', 'f']) prefs.rememberCode(code);

  assert.deepEqual(prefs.recentCodes(), ['f', 'e', 'b', 'd', 'c']);
});

test('a code can be forgotten', () => {
  const prefs = new Prefs(aPage());
  for (const code of ['a', 'b']) prefs.rememberCode(code);

  prefs.forgetCode('b');

  assert.deepEqual(prefs.recentCodes(), ['a']);
});

test('a token is given once, and to its own code only', () => {
  const page = aPage();
  new Prefs(page).keepToken('heron', 'secret');

  assert.equal(new Prefs(page).takeToken('otter'), null);
  assert.equal(new Prefs(page).takeToken('heron'), 'secret');
  assert.equal(new Prefs(page).takeToken('heron'), null);
});

test('who has had no answer is kept for the next page of this code, once, and forgotten when there is nobody', () => {
  const page = aPage();
  const unheard = { nonce: 'n'.repeat(32), attempt: 3 };
  new Prefs(page).keepUnheard('heron', unheard);

  assert.equal(new Prefs(page).takeUnheard('otter'), null);
  assert.deepEqual(new Prefs(page).takeUnheard('heron'), unheard);
  assert.equal(new Prefs(page).takeUnheard('heron'), null);
  new Prefs(page).keepUnheard('heron', unheard);
  new Prefs(page).keepUnheard('heron', null);
  assert.equal(page.sessionStorage.items.size, 0);
  for (const rubbish of [1, {}, { nonce: 'short', attempt: 1 }, { ...unheard, attempt: -1 }, { ...unheard, attempt: '1' }]) {
    new Prefs(page).keepUnheard('heron', rubbish);
    assert.equal(new Prefs(page).takeUnheard('heron'), null);
  }
});

test('a token never outlives the tab', () => {
  const page = aPage();
  new Prefs(page).keepToken('heron', 'secret');

  assert.equal(page.localStorage.items.size, 0);
});

test('an intent is given once, and not to another code', () => {
  const page = aPage();
  new Prefs(page).keepIntent({ code: 'heron', video: true });
  assert.deepEqual(new Prefs(page).takeIntent('heron'), { code: 'heron', video: true });
  assert.equal(new Prefs(page).takeIntent('heron'), null);

  new Prefs(page).keepIntent({ code: 'heron', video: true });
  assert.equal(new Prefs(page).takeIntent('otter'), null);
  assert.equal(new Prefs(page).takeIntent('heron'), null);
});

test('where storage is denied all is forgotten and nothing breaks', () => {
  for (const page of [DENIED, {}]) {
    const prefs = new Prefs(page);
    prefs.name = 'Alice';
    prefs.rememberCode('heron');
    prefs.forgetCode('heron');
    prefs.keepToken('heron', 'secret');
    prefs.keepIntent({ code: 'heron', video: false });

    assert.equal(prefs.name, '');
    assert.deepEqual(prefs.recentCodes(), []);
    assert.equal(prefs.takeToken('heron'), null);
    assert.equal(prefs.takeIntent('heron'), null);
  }
});

test('a full disk and somebody else\'s rubbish break nothing', () => {
  const page = aPage();
  page.localStorage.items.set('gruveo.recent', '{"not": "a list"}');
  page.localStorage.items.set('gruveo.name', 'no JSON');
  page.localStorage.setItem = () => {
    throw new Error('QuotaExceededError');
  };
  const prefs = new Prefs(page);

  assert.deepEqual(prefs.recentCodes(), []);
  assert.equal(prefs.name, '');
  assert.doesNotThrow(() => prefs.rememberCode('heron'));
});

test('a wish to hide the address is remembered by the next page, and nobody has it unasked', () => {
  const page = aPage();
  assert.equal(new Prefs(page).hidesAddress, false);

  new Prefs(page).hidesAddress = true;
  assert.equal(new Prefs(page).hidesAddress, true);

  new Prefs(page).hidesAddress = false;
  assert.equal(new Prefs(page).hidesAddress, false);
});

test('what is no wish hides nothing, and where storage is denied nothing is', () => {
  const page = aPage();
  page.localStorage.setItem('gruveo.hides-address', '"yes"');

  assert.equal(new Prefs(page).hidesAddress, false);
  assert.equal(new Prefs(DENIED).hidesAddress, false);
});
