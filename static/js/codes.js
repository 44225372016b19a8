// What people type to meet: its one normal form, why it may be refused, its address, and a good one to suggest.
// The server makes the same normal form by itself, and its answer is the one that counts; tests/codes.json holds both to it.

import { ADJECTIVES, ANIMALS, THINGS, VERBS } from './codes-words.js';

const LONGEST = 64; // code points
const IGNORABLE = /\p{Default_Ignorable_Code_Point}+/gu;
const SPACE = /\p{White_Space}+/gu;
const SPACE_AT_ENDS = /^\p{White_Space}+|\p{White_Space}+$/gu;
const ALLOWED = /^[\p{L}\p{M}\p{Nd}\p{Extended_Pictographic}\p{Regional_Indicator}\p{Emoji_Modifier}\-_.']*$/u;
const CHEROKEE = /[\u13A0-\u13FF\uAB70-\uABBF]/u;
const DOTLESS_I = 'ı'; // its capital is I, but I is no other case of it
const NUMBERS = { first: 2, count: 998 }; // 2 to 999

/** The normal form of what somebody typed; a normal form stays as it is. */
export function normalise(typed) {
  const trimmed = fold(typed).replace(SPACE_AT_ENDS, '');
  return fold(trimmed.replace(SPACE, '-').replaceAll('\u2019', "'")); // which phones type for an apostrophe
}

/**
 * Why this normal form cannot be a code, or null when it can.
 * @param {string} code
 * @param {{reserved: string[], extensions: string[]}} rules
 * @returns {null|'empty'|'dots'|'too-long'|'characters'|'file'|'taken'}
 */
export function refusal(code, { reserved, extensions }) {
  if (code === '') return 'empty';
  if (code.startsWith('.')) return 'dots';
  if ([...code].length > LONGEST) return 'too-long';
  if (!ALLOWED.test(code)) return 'characters';
  if (extensions.some((extension) => code.endsWith(`.${extension}`))) return 'file';
  if (reserved.includes(code)) return 'taken';
  return null;
}

/** The address of a call with this code; the code has not been refused. */
export function path(code) {
  return `/${encodeURIComponent(code)}`;
}

/**
 * A code that nobody guesses: amber-otter-lifts-42-maps. One each of 206, 199, 222 and 224 words (7.7, 7.6, 7.8 and 7.8 bits)
 * and a number of 998 (10 bits) make 40.9 bits: at 60 joins a minute from each of 1,000 addresses it takes 30 years until
 * the chance to have found one room is a half.
 * @param {(n: number) => number} random an unbiased whole number from 0 to n - 1
 */
export function suggest(random) {
  const pick = (words) => words[random(words.length)];
  const number = NUMBERS.first + random(NUMBERS.count);
  return [pick(ADJECTIVES), pick(ANIMALS), pick(VERBS), number, pick(THINGS)].join('-');
}

// NFKC_Casefold (Unicode 3.13, R5). What one step lays bare, the next may fold again (a removed joiner lets its
// neighbours compose), so it goes on until nothing changes: two rounds for nearly everything.
function fold(text) {
  for (let before = text; ; ) {
    const after = foldOnce(before);
    if (after === before) return after;
    before = after;
  }
}

function foldOnce(text) {
  const cased = Array.from(text.normalize('NFD'), foldCase).join('');
  return cased.normalize('NFKC').replace(IGNORABLE, '').normalize('NFKC');
}

// JavaScript has no case folding. Down, up and down again is the same for every character of Unicode 14 but these.
function foldCase(character) {
  if (character === DOTLESS_I) return character;
  if (CHEROKEE.test(character)) return character.toUpperCase(); // the capitals came first, so they are the folded form
  return character.toLowerCase().toUpperCase().toLowerCase();
}
