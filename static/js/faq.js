/** The entry of the questions: a filter as one types, and answers to "was this helpful" that leave the page where it is. */

import { gettext, ngettext, speak } from './texts.js';

speak(JSON.parse(document.getElementById('texts').textContent));

const questions = [...document.querySelectorAll('[data-question]')].map((element) => ({
  element,
  words: element.querySelector('h3').textContent.toLowerCase() + ' ' + element.querySelector('.prose').textContent.toLowerCase(),
}));
const topics = document.querySelectorAll('[data-topic]');
const form = document.querySelector('[data-filter]');
const count = document.querySelector('[data-count]');

function filter(typed) {
  const wanted = typed.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const { element, words } of questions) {
    element.hidden = !wanted.every((word) => words.includes(word));
    if (!element.hidden) shown += 1;
  }
  for (const topic of topics) {
    topic.hidden = !topic.querySelector('[data-question]:not([hidden])');
    const link = document.querySelector(`.contents [href="#${topic.id}"]`);
    if (link) link.hidden = topic.hidden;
  }
  count.textContent = wanted.length ? said(shown) : '';
}

function said(number) {
  if (number === 0) return gettext('No question holds these words. Try another word, or write to us.');
  return ngettext('%(count)s question', '%(count)s questions', number);
}

/** Of a page that the server has filtered the others are missing, so its form goes on asking the server. */
function filterHere() {
  const input = form.elements.q;
  form.querySelector('[data-submit]').hidden = true;
  form.addEventListener('submit', (event) => event.preventDefault());
  input.addEventListener('input', () => filter(input.value));
  if (input.value) filter(input.value); // which the browser has kept over a reload
}

async function answer(event) {
  event.preventDefault();
  const helpful = event.currentTarget;
  const body = new URLSearchParams({ answer: event.submitter.value });
  const note = document.createElement('p');
  note.className = 'helpful';
  note.setAttribute('role', 'status');
  note.tabIndex = -1;
  helpful.replaceWith(note);
  note.focus({ preventScroll: true });
  note.textContent = await send(helpful.action, body) ? helpful.dataset.thanks : helpful.dataset.sorry;
}

async function send(address, body) {
  try {
    return (await fetch(address, { method: 'POST', body, redirect: 'manual' })).type === 'opaqueredirect';
  } catch {
    return false;
  }
}

if (form && !new URLSearchParams(location.search).get('q')) filterHere();
for (const one of document.querySelectorAll('[data-helpful]')) one.addEventListener('submit', answer);
