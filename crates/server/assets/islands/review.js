// A review that is being typed: kept a moment after each change, and when the page is left.

const form = document.getElementById("review");
const says = document.getElementById("kept");
const SAVE_AFTER_MS = 1500;
let timer = null;
let dirty = false;

async function keep() {
  clearTimeout(timer);
  if (!dirty) return;
  dirty = false;
  const typed = new URLSearchParams(new FormData(form));
  typed.set("do", "keep");
  const answer = await fetch(form.action, { method: "POST", keepalive: true, body: typed }).catch(() => null);
  // A quote without a place is told on the page when it is sent; what was typed is kept all the same.
  if (answer !== null && (answer.ok || answer.status === 422)) {
    says.textContent = "Draft kept just now.";
  } else {
    dirty = true;
    says.textContent = "The draft could not be kept. It is still on this page; it is tried again with your next change.";
  }
}

form.addEventListener("input", () => {
  dirty = true;
  clearTimeout(timer);
  timer = setTimeout(keep, SAVE_AFTER_MS);
});
form.addEventListener("submit", () => {
  clearTimeout(timer);
  dirty = false;
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") keep();
});
