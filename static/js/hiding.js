/** The switch "Hide my IP address", wherever it stands: what it says is remembered at once. */

/** @param {HTMLElement|null} part holds the checkbox; without relays a page has no such part @param {Prefs} prefs */
export function showHiding(part, prefs) {
  if (!part) return;
  const box = part.querySelector('input');
  const show = () => {
    box.checked = prefs.hidesAddress;
  };
  box.addEventListener('change', () => {
    prefs.hidesAddress = box.checked;
  });
  window.addEventListener('pageshow', ({ persisted }) => persisted && show()); // back from a page on which it was changed
  show();
  part.hidden = false;
}
