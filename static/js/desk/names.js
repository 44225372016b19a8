// Gives the fields that select2 draws the names of what they stand for; screen readers would hear none.

function name(drawn) {
  const label = document.querySelector(`label[for="${drawn.previousElementSibling?.id}"]`);
  const field = drawn.querySelector(".select2-search__field") ?? drawn.querySelector(".select2-selection");
  if (!label || !field) return;
  field.removeAttribute("aria-labelledby");
  field.setAttribute("aria-label", label.textContent.replace(/:$/, ""));
}

const CONTAINER = ".select2-container";
for (const drawn of document.querySelectorAll(CONTAINER)) name(drawn);
new MutationObserver((changes) => {
  for (const { addedNodes } of changes) {
    for (const node of addedNodes) if (node.matches?.(CONTAINER)) name(node);
  }
}).observe(document.body, { childList: true, subtree: true });
