// Keeps what an editor writes in this browser, every few seconds, and offers it again after a crash or an expired login.

const EVERY_MS = 3000;
const OLDEST_MS = 30 * 24 * 3600 * 1000; // then it is forgotten
const LEFT_OUT = new Set(["csrfmiddlewaretoken", "seen_version"]);

const place = document.querySelector("[data-kept]");
const form = place?.closest("form");
if (form) keep();

function keep() {
  const key = `desk.kept.${place.dataset.user}.${location.pathname}`;
  const version = form.elements.seen_version?.value ?? "";
  forgetSaved(key);
  forgetOld();
  let last = written();
  offer(key, last);
  setInterval(store, EVERY_MS);
  addEventListener("pagehide", store);
  document.addEventListener("visibilitychange", store);
  form.addEventListener("submit", () => {
    store();
    sessionStorage.setItem("desk.sent", key);
  });

  function store() {
    const now = written();
    if (now === last) return;
    last = now;
    try {
      localStorage.setItem(key, JSON.stringify({ at: Date.now(), version, fields: JSON.parse(now) }));
      place.dataset.state = "kept";
    } catch {
      place.dataset.state = "not-kept";
      // Full, or not allowed: the text is still on the page.
    }
  }
}

function written() {
  const fields = [...new FormData(form)].filter(([name, value]) => !LEFT_OUT.has(name) && typeof value === "string");
  return JSON.stringify(fields);
}

// Whoever was sent on to a page with a success has saved; on the form itself there would be errors.
function forgetSaved(key) {
  const sent = sessionStorage.getItem("desk.sent");
  if (!sent || !document.querySelector(".messagelist .success")) return;
  localStorage.removeItem(sent);
  if (sent.endsWith("/add/")) localStorage.removeItem(key);
  sessionStorage.removeItem("desk.sent");
}

function forgetOld() {
  for (const key of Object.keys(localStorage)) {
    if (!key.startsWith("desk.kept.")) continue;
    const kept = read(key);
    if (!kept || Date.now() - kept.at > OLDEST_MS) localStorage.removeItem(key);
  }
}

function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

function offer(key, now) {
  const kept = read(key);
  if (!kept || JSON.stringify(kept.fields) === now) return;
  const time = new Date(kept.at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  const text = document.createElement("p");
  text.textContent = `This browser has kept text of ${time} that was not saved.`;
  const back = button("Bring it back", () => bringBack(kept.fields));
  const away = button("Forget it", () => localStorage.removeItem(key));
  place.replaceChildren(text, back, away);
  place.hidden = false;
}

function button(label, act) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "button";
  element.textContent = label;
  element.addEventListener("click", () => {
    act();
    place.hidden = true;
  });
  return element;
}

function bringBack(fields) {
  const values = Map.groupBy(fields, ([name]) => name);
  for (const element of form.elements) {
    if (!element.name || LEFT_OUT.has(element.name) || element.type === "file") continue;
    const given = (values.get(element.name) ?? []).map(([, value]) => value);
    if (element.type === "checkbox" || element.type === "radio") element.checked = given.includes(element.value);
    else if (element.tagName === "SELECT") select(element, given);
    else if (given.length) write(element, given[0]);
  }
}

// Autocompletes hold only the choices that were looked up; a kept one without its name is shown by its number until it is saved.
function select(element, given) {
  for (const value of given) {
    if (value && ![...element.options].some((option) => option.value === value)) element.add(new Option(`№ ${value}`, value));
  }
  for (const option of element.options) option.selected = given.includes(option.value);
  element.dispatchEvent(new Event("change", { bubbles: true }));
}

function write(element, value) {
  element.value = value;
  element.dispatchEvent(new Event("input", { bubbles: true }));
  // The text editor keeps its own copy of the text, and Tiptap a way to it.
  const editor = element.closest(".prose-editor")?.querySelector(":scope > .ProseMirror")?.editor;
  editor?.commands.setContent(value, { emitUpdate: true });
}
