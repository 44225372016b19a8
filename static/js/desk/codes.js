// Recovery codes to keep: copied, or saved as a file.

const codes = [...document.querySelectorAll("[data-code]")].map((one) => one.textContent).join("\n");
const copy = document.querySelector("[data-copy]");
const save = document.querySelector("[data-save]");

copy?.addEventListener("click", () => {
  navigator.clipboard.writeText(codes).then(
    () => { copy.textContent = "Copied"; },
    () => { copy.textContent = "Copying is not allowed here"; },
  );
});
if (save) save.href = URL.createObjectURL(new Blob([`${codes}\n`], { type: "text/plain" }));
