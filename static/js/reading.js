/** The entry of pages to read: code that can be copied with one press. */

const DONE_MS = 2000;

/** @param {HTMLElement} pre */
function addButton(pre, template) {
  const button = template.content.firstElementChild.cloneNode(true);
  const text = button.querySelector('[data-text]');
  const name = text.textContent;
  let timer;
  button.addEventListener('click', async () => {
    clearTimeout(timer);
    text.textContent = await copy(pre.textContent) ? text.dataset.done : text.dataset.failed;
    timer = setTimeout(() => { text.textContent = name; }, DONE_MS);
  });
  const frame = document.createElement('div');
  frame.className = 'code-frame';
  pre.replaceWith(frame);
  frame.append(pre, button);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // not over plain http, or not allowed
  }
}

const template = document.querySelector('[data-copy-button]');
for (const pre of document.querySelectorAll('[data-prose] pre')) addButton(pre, template);
