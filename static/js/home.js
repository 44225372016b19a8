// The code form, wherever it stands, and on the home page the suggestion and the recent codes of this browser.

import { normalise, path, refusal, suggest } from './codes.js';
import { showHiding } from './hiding.js';
import { Prefs } from './prefs.js';

const TWO_TO_32 = 2 ** 32;

const prefs = new Prefs();
const rules = JSON.parse(document.getElementById('code-rules').textContent);
const form = document.querySelector('[data-code-form]');
const field = form.querySelector('.code-input');
const hint = form.querySelector('.code-hint');

form.addEventListener('submit', submit);
field.addEventListener('input', clearProblem);
showSuggestion();
showRecent();
showHiding(document.querySelector('[data-hiding]'), prefs);
window.addEventListener('pageshow', ({ persisted }) => persisted && showRecent()); // back from a call: there is one more
if (matchMedia('(hover: hover) and (pointer: fine)').matches) field.focus({ preventScroll: true });

/** Enter counts as the first button. */
function submit(event) {
  event.preventDefault();
  const code = normalise(field.value);
  const reason = refusal(code, rules);
  if (reason) {
    showProblem(reason);
    return;
  }
  prefs.keepIntent({ code, video: event.submitter?.dataset.join !== 'voice' });
  location.assign(path(code));
}

function showProblem(reason) {
  hint.textContent = hint.getAttribute(`data-${reason}`);
  field.setAttribute('aria-invalid', 'true');
  field.focus();
}

function clearProblem() {
  hint.textContent = '';
  field.removeAttribute('aria-invalid');
}

function showSuggestion() {
  const part = document.querySelector('[data-suggestion]');
  if (!part) return;
  const take = part.querySelector('[data-take]');
  const draw = () => {
    take.textContent = suggest(random);
  };
  take.addEventListener('click', () => {
    field.value = take.textContent;
    clearProblem();
    form.querySelector('[data-join="video"]').focus();
  });
  part.querySelector('[data-another]').addEventListener('click', draw);
  draw();
  part.hidden = false;
}

function showRecent() {
  const part = document.querySelector('[data-recent]');
  if (!part) return;
  const codes = shownCodes();
  part.hidden = codes.length === 0;
  part.querySelector('[data-recent-list]').replaceChildren(...codes.map(recentItem));
}

function shownCodes() {
  return prefs.recentCodes().filter((code) => !refusal(code, rules));
}

function recentItem(code) {
  const item = document.querySelector('[data-recent-item]').content.cloneNode(true);
  const link = item.querySelector('.recent-code');
  link.textContent = code;
  link.href = path(code);
  item.querySelector('[data-code]').textContent = code;
  item.querySelector('button').addEventListener('click', () => forget(code));
  return item;
}

function forget(code) {
  const place = shownCodes().indexOf(code);
  prefs.forgetCode(code);
  showRecent();
  // The pressed button is gone; without this the keyboard would begin at the top of the page again.
  const buttons = [...document.querySelectorAll('[data-recent-list] button')];
  (buttons[place] ?? buttons.at(-1) ?? field).focus();
}

/** An unbiased whole number from 0 to n - 1: draws that would favour small numbers are thrown away. */
function random(n) {
  const [drawn] = crypto.getRandomValues(new Uint32Array(1));
  return drawn < TWO_TO_32 - (TWO_TO_32 % n) ? drawn % n : random(n);
}
