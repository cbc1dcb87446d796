// Keys. Without this file everything works by clicking: a key only clicks or focuses what is on the page.
"use strict";
addEventListener("keydown", (event) => {
  const field = event.target instanceof Element && event.target.closest("input, textarea, select");
  if (event.key === "Escape" && field) { field.blur(); return; }
  if (event.key === "Enter" && field && field.id === "marks") {
    const give = document.querySelector("[data-enter=marks]");
    if (give) { event.preventDefault(); give.click(); }
    return;
  }
  if (field || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const focus = [...document.querySelectorAll("[data-focus]")].find((item) => item.dataset.focus === event.key);
  if (focus) { event.preventDefault(); focus.focus(); focus.select(); return; }
  const found = [...document.querySelectorAll("[data-key]")].find((item) => item.dataset.key.split(" ").includes(event.key));
  if (found) { event.preventDefault(); found.click(); }
});
for (const button of document.querySelectorAll("[data-dialog]")) {
  button.addEventListener("click", () => document.getElementById(button.dataset.dialog).showModal());
}
// A key that is held, or pressed twice, decides once.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
