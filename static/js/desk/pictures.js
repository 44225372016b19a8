// Pictures in the text editor: chosen from the library, uploaded, pasted or dropped. The text keeps a picture's number, never an address.

import { Extension, Node, Plugin, crel, materialMenuButton } from "django-prose-editor/editor";

const LIBRARY = "/admin/library/picture/";

const sourceOf = (number) => `${LIBRARY}${number}/file/`;

export const Picture = Node.create({
  name: "picture",
  group: "block",
  atom: true,
  draggable: true,

  addAttributes() {
    return {
      picture: {
        default: null,
        parseHTML: (element) => element.getAttribute("data-picture"),
        renderHTML: ({ picture }) => ({ "data-picture": picture, src: sourceOf(picture) }),
      },
      alt: { default: "" },
    };
  },

  parseHTML() {
    return [{ tag: "img[data-picture]" }];
  },

  renderHTML({ HTMLAttributes }) {
    return ["img", HTMLAttributes];
  },
});

// Not the package's own figure, whose button asks for an address.
export const PictureFigure = Node.create({
  name: "pictureFigure",
  group: "block",
  content: "picture pictureCaption?",
  draggable: true,
  isolating: true,
  parseHTML: () => [{ tag: "figure" }],
  renderHTML: () => ["figure", 0],
});

export const PictureCaption = Node.create({
  name: "pictureCaption",
  content: "inline*",
  isolating: true,
  parseHTML: () => [{ tag: "figcaption" }],
  renderHTML: () => ["figcaption", 0],
});

export const Pictures = Extension.create({
  name: "pictures",

  // The text is a field of the form like the others, and is called like one.
  onCreate() {
    const text = this.editor.view.dom;
    const label = text.closest(".form-row")?.querySelector("label");
    if (label) text.setAttribute("aria-label", label.textContent.replace(/:$/, ""));
  },

  addMenuItems({ menu }) {
    menu.defineItem({
      name: "pictures",
      groups: "nodes",
      button: materialMenuButton("image", "Picture"),
      command: (editor) => open(editor),
    });
  },

  addProseMirrorPlugins() {
    const { editor } = this;
    return [
      new Plugin({
        props: {
          handleKeyDown: (view, event) => {
            if (view.state.selection.node?.type.name === "picture" && isWriting(event)) writeBelow(editor);
            return false;
          },
          handlePaste: (view, event) => take(editor, event.clipboardData, event),
          handleDrop: (view, event) => {
            const at = view.posAtCoords({ left: event.clientX, top: event.clientY });
            return take(editor, event.dataTransfer, event, at?.pos);
          },
        },
      }),
    ];
  },
});

function isWriting({ key, ctrlKey, metaKey, altKey }) {
  return key === "End" || key.length === 1 && !ctrlKey && !metaKey && !altKey;
}

// Who has clicked a picture and types goes on below it; the picture is not to be typed over.
function writeBelow(editor) {
  const below = editor.state.selection.$from.after();
  if (!editor.state.doc.nodeAt(below)?.isTextblock) editor.commands.insertContentAt(below, { type: "paragraph" });
  editor.commands.setTextSelection(below + 1);
}

function take(editor, data, event, at) {
  const files = [...(data?.files ?? [])].filter((file) => file.type.startsWith("image/"));
  if (!files.length || data.types.includes("text/html") && event.type === "paste" && !onlyImage(data)) return false;
  event.preventDefault();
  if (at !== undefined) editor.commands.setTextSelection(at);
  open(editor, files[0]);
  return true;
}

// A picture copied from a page comes with HTML around it that names another host; the picture itself is what is meant.
function onlyImage(data) {
  const page = new DOMParser().parseFromString(data.getData("text/html"), "text/html");
  return page.body.textContent.trim() === "" && page.querySelector("img") !== null;
}

function insert(editor, { id, alt, caption }) {
  const content = [{ type: "picture", attrs: { picture: String(id), alt } }];
  if (caption) content.push({ type: "pictureCaption", content: [{ type: "text", text: caption }] });
  editor.chain().focus().insertContent({ type: "pictureFigure", content }).run();
}

function open(editor, file) {
  const dialog = new Dialog((picture) => insert(editor, picture));
  document.body.append(dialog.element);
  dialog.element.showModal();
  if (file) dialog.take(file);
  else dialog.search("").catch((error) => dialog.say(error.message));
}

class Dialog {
  #chosen;
  #file = null;
  #preview = crel("img", { className: "desk-upload-preview", alt: "", hidden: true });
  #input = crel("input", { type: "file", accept: "image/jpeg,image/png,image/webp,image/gif,image/avif", id: "desk-file" });
  #alt = crel("input", { type: "text", id: "desk-alt", maxLength: 300, required: true });
  #caption = crel("input", { type: "text", id: "desk-caption", maxLength: 300 });
  #problem = crel("p", { className: "errornote", role: "alert", hidden: true });
  #found = crel("ul", { className: "desk-choices" });
  #query = crel("input", { type: "search", id: "desk-query" });
  #send = crel("button", { type: "submit", className: "button default", textContent: "Insert" });

  constructor(chosen) {
    this.#chosen = chosen;
    const upload = crel("form", { className: "desk-upload" }, [
      crel("h3", { textContent: "A new picture" }),
      this.#preview,
      label("desk-file", "File"), this.#input,
      label("desk-alt", "What it shows, for those who do not see it"), this.#alt,
      label("desk-caption", "Caption, if it needs one"), this.#caption,
      this.#problem,
      this.#send,
    ]);
    const library = crel("form", { className: "desk-library" }, [
      crel("h3", { textContent: "From the library" }),
      label("desk-query", "Search"), this.#query,
      this.#found,
    ]);
    const close = crel("button", { type: "button", className: "button", textContent: "Close" });
    this.element = crel("dialog", { className: "desk-pictures", ariaLabel: "Picture" }, [upload, library, close]);
    close.addEventListener("click", () => this.element.close());
    this.element.addEventListener("close", () => this.element.remove());
    this.#input.addEventListener("change", () => this.take(this.#input.files[0]));
    upload.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#upload().catch((error) => this.say(error.message));
    });
    library.addEventListener("submit", (event) => event.preventDefault());
    this.#query.addEventListener("input", () => this.search(this.#query.value).catch((error) => this.say(error.message)));
  }

  take(file) {
    this.#file = file ?? null;
    this.#preview.hidden = !file;
    if (file) this.#preview.src = URL.createObjectURL(file);
    this.#alt.focus();
  }

  say(text) {
    this.#problem.textContent = text;
    this.#problem.hidden = false;
  }

  async search(query) {
    const answer = await fetch(`${LIBRARY}choose/?q=${encodeURIComponent(query)}`);
    if (!answer.ok) throw new Error("The library cannot be read now. Reload the page; your text is kept.");
    if (query !== this.#query.value) return; // a later answer is on its way
    const { pictures } = await answer.json();
    this.#found.replaceChildren(...pictures.map((picture) => this.#choice(picture)));
    this.#found.dataset.query = query;
  }

  #choice(picture) {
    const button = crel("button", { type: "button", className: "desk-choice", title: picture.alt }, [
      crel("img", { src: picture.thumbnail, alt: picture.alt }),
    ]);
    button.addEventListener("click", () => this.#done(picture));
    return crel("li", {}, [button]);
  }

  async #upload() {
    if (!this.#file) {
      this.say("Choose a file first.");
      return;
    }
    this.#send.disabled = true;
    try {
      const body = new FormData();
      body.append("upload", this.#file);
      body.append("alt", this.#alt.value);
      body.append("caption", this.#caption.value);
      const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
      const answer = await fetch(`${LIBRARY}upload/`, { method: "POST", body, headers: { "X-CSRFToken": token } });
      const isJson = answer.headers.get("content-type")?.startsWith("application/json");
      if (!isJson) throw new Error("The picture was not taken. Sign in again in another tab, then try once more; your text is kept.");
      const said = await answer.json();
      if (!answer.ok) throw new Error(said.error);
      this.#done(said);
    } finally {
      this.#send.disabled = false;
    }
  }

  #done(picture) {
    this.element.close();
    this.#chosen(picture);
  }
}

function label(id, text) {
  return crel("label", { htmlFor: id, textContent: text });
}
