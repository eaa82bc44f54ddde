// The form of the diagnosis: a file may be dropped anywhere on it, one that is too
// large is refused before it is sent, Enter sends a host.
(() => {
  "use strict";
  const form = document.querySelector("form.ask");
  if (!form) return;
  const file = form.elements.file, text = form.elements.text, busy = form.querySelector("#busy");
  const say = (words) => { busy.textContent = words; busy.style.visibility = "visible"; };
  const small = () => {
    if (!file.files.length || file.files[0].size < Number(form.dataset.most)) return true;
    say("This file is larger than " + Math.floor(form.dataset.most / 1048576) + " MB: send a smaller part of it.");
    return false;
  };
  form.addEventListener("submit", (e) => {
    if (!small()) { e.preventDefault(); return; }
    say(file.files.length ? "Reading …" : "Asking …");
  });
  file.addEventListener("change", small);
  text.addEventListener("keydown", (e) => {
    if (e.key !== "Enter" || e.shiftKey || /\s/.test(text.value.trim()) || !text.value.trim()) return;
    e.preventDefault();
    form.requestSubmit();
  });
  for (const kind of ["dragenter", "dragover"]) document.addEventListener(kind, (e) => { e.preventDefault(); form.classList.add("over"); });
  for (const kind of ["dragleave", "drop"]) document.addEventListener(kind, (e) => { e.preventDefault(); form.classList.remove("over"); });
  document.addEventListener("drop", (e) => {
    if (!e.dataTransfer.files.length) return;
    file.files = e.dataTransfer.files;
    form.requestSubmit();
  });
})();
