import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { gettext, ngettext, speak } from '../../static/js/texts.js';

const POLISH = {
  language: 'pl',
  messages: {
    'Copy link': 'Kopiuj link',
    '%(name)s left': '%(name)s opuszcza rozmowę',
    '%(count)s second': ['%(count)s sekunda', '%(count)s sekundy', '%(count)s sekund'],
  },
};

const seconds = (count) => ngettext('%(count)s second', '%(count)s seconds', count);

afterEach(() => speak({ language: 'en', messages: {} }));

test('without a catalogue the texts are those of the code', () => {
  assert.equal(gettext('Copy link'), 'Copy link');
  assert.equal(gettext('%(name)s left', { name: 'Ada' }), 'Ada left');
  assert.equal(seconds(1), '1 second');
  assert.equal(seconds(0), '0 seconds');
  assert.equal(seconds(5), '5 seconds');
});

test('a text that has no translation stays as it is', () => {
  speak(POLISH);

  assert.equal(gettext('Hang up'), 'Hang up');
});

test('each number takes the form of its language', () => {
  speak(POLISH);

  assert.deepEqual([1, 2, 4, 5, 12, 22, 0, 21].map(seconds), [
    '1 sekunda', '2 sekundy', '4 sekundy', '5 sekund', '12 sekund', '22 sekundy', '0 sekund', '21 sekund',
  ]);
});

test('a language with a form for millions has it between the two others', () => {
  speak({ language: 'es', messages: { '%(count)s second': ['%(count)s segundo', '%(count)s de segundos', '%(count)s segundos'] } });

  assert.deepEqual([1, 0, 2, 1_000_000].map(seconds), ['1 segundo', '0 segundos', '2 segundos', '1000000 de segundos']);
});

test('French says one for nothing', () => {
  speak({ language: 'fr', messages: { '%(count)s second': ['%(count)s seconde', '%(count)s de secondes', '%(count)s secondes'] } });

  assert.deepEqual([0, 1, 2].map(seconds), ['0 seconde', '1 seconde', '2 secondes']);
});

test('a value is put in as it is, whatever it holds', () => {
  speak(POLISH);

  assert.equal(gettext('%(name)s left', { name: '$& %(name)s' }), '$& %(name)s opuszcza rozmowę');
});

test('a place without a value stays, so that it is seen', () => {
  assert.equal(gettext('%(name)s left'), '%(name)s left');
});
