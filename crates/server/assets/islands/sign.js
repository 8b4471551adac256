// Signing by keyboard: o opens the next item, s signs this case. One keystroke, one act.

const typing = (target) => target.closest("input, select, textarea, [contenteditable]") !== null;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing(event.target)) return;
  const form = { o: "form[data-open]", s: "form[data-sign]" }[event.key];
  const found = form && document.querySelector(form);
  if (!found) return;
  event.preventDefault();
  found.requestSubmit();
});

if (location.hash === "#shown") document.getElementById("shown")?.focus({ preventScroll: true });
