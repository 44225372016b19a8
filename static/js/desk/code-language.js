// The language of a block of code, which gives it its colours, or makes a chart of it.

import { Extension, materialMenuButton, updateAttrsDialog } from "django-prose-editor/editor";

const ask = updateAttrsDialog(
  {
    language: {
      title: "Language",
      description: "Such as python, js, html, css, bash, json or sql; chart draws a chart. Empty for none.",
    },
  },
  { title: "Language of this code", submitText: "Set" },
);

export const CodeLanguage = Extension.create({
  name: "codeLanguage",

  addMenuItems({ menu }) {
    menu.defineItem({
      name: "codeLanguage",
      groups: "nodes",
      button: materialMenuButton("palette", "Language of this code"),
      enabled: (editor) => editor.isActive("codeBlock"),
      command: (editor) => set(editor),
    });
  },
});

async function set(editor) {
  const said = await ask(editor, editor.getAttributes("codeBlock"));
  if (!said) return;
  const language = said.language.trim().toLowerCase() || null;
  editor.chain().focus().updateAttributes("codeBlock", { language }).run();
}
