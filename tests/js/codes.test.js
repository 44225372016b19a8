import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { ADJECTIVES, ANIMALS, THINGS, VERBS } from '../../static/js/codes-words.js';
import { normalise, path, refusal, suggest } from '../../static/js/codes.js';
import { seeded } from './fakes.js';

const { rules, cases } = JSON.parse(readFileSync(new URL('../codes.json', import.meta.url)));
const show = (text) => JSON.stringify(text).slice(0, 60);

for (const { typed, code, hint } of cases) {
  test(`${show(typed)} becomes ${show(code)}${hint ? `, refused as ${hint}` : ''}`, () => {
    assert.equal(normalise(typed), code);
    assert.equal(refusal(code, rules), hint);
  });
}

test('the table has each hint and enough of what is accepted', () => {
  for (const hint of ['empty', 'dots', 'too-long', 'characters', 'file', 'taken']) assert.ok(cases.some((one) => one.hint === hint), hint);
  assert.ok(cases.filter(({ hint }) => hint === null).length > 60);
});

test('a normal form stays as it is, for every character that is assigned', () => {
  for (let point = 0; point <= 0x10ffff; point += 1) {
    const character = String.fromCodePoint(point);
    if (/[\p{Cn}\p{Co}\p{Cs}]/u.test(character)) continue;
    const once = normalise(character);
    if (once !== character && normalise(once) !== once) assert.fail(`U+${point.toString(16)}`);
  }
});

test('a normal form stays as it is, for strings of the characters that fold, join and vanish', () => {
  const random = seeded(7);
  const tricky = [...'ßẞİıſΣςΐᾳꭰᎠᏸﬁ\u0345\u0301\u0323\u0302\u034f\u200d\u00ad\ufe0f\u3099かカｶﾞ\u1112\u1161\u11ab  \u00a0.´½ﷺK'];
  for (let round = 0; round < 5000; round += 1) {
    const text = Array.from({ length: 5 }, () => tricky[Math.floor(random() * tricky.length)]).join('');
    const once = normalise(text);
    assert.equal(normalise(once), once, show(text));
  }
});

test('a lone surrogate is refused and breaks nothing', () => {
  assert.equal(refusal(normalise('a\ud800b'), rules), 'characters');
});

test('a code is percent-encoded into its address', () => {
  assert.equal(path('blue-heron'), '/blue-heron');
  assert.equal(path('été'), '/%C3%A9t%C3%A9');
  assert.equal(path('🦩'), '/%F0%9F%A6%A9');
});

test('the address leads back to the code', () => {
  for (const { code } of cases.filter(({ hint }) => hint === null)) {
    const url = new URL(path(code), 'https://example.org');
    assert.equal(decodeURIComponent(url.pathname.slice(1)), code);
  }
});

test('suggestions hold at least 40 bits', () => {
  const lists = [ADJECTIVES, ANIMALS, VERBS, THINGS];
  const ranges = [];
  suggest((n) => ranges.push(n) && 0);
  const bits = ranges.reduce((sum, n) => sum + Math.log2(n), 0);
  assert.ok(bits >= 40, `${bits}`);
  for (const list of lists) assert.equal(new Set(list).size, list.length);
});

test('suggestions are codes already: plain words, in their normal form, accepted', () => {
  const random = seeded(1);
  for (let round = 0; round < 500; round += 1) {
    const code = suggest((n) => Math.floor(random() * n));
    assert.match(code, /^[a-z]+-[a-z]+-[a-z]+-\d{1,3}-[a-z]+$/);
    assert.equal(normalise(code), code);
    assert.equal(refusal(code, rules), null);
  }
});

test('the ends of every range give a suggestion', () => {
  assert.match(suggest(() => 0), /-2-/);
  assert.match(suggest((n) => n - 1), /-999-/);
});
