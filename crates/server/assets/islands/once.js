// A form that was sent is not sent again while its answer is under way: the second press of a hurried button asks for nothing more.

const sent = new WeakSet();

addEventListener("submit", (event) => {
  // What a script of the page took over is its own affair, and what is asked for in another window leaves this one as it is.
  if (event.defaultPrevented || event.target.target) return;
  if (sent.has(event.target)) event.preventDefault();
  sent.add(event.target);
  // An answer that was stopped, or never came, leaves the form as it was.
  setTimeout(() => sent.delete(event.target), 10_000);
});

// Coming back to a page that was kept, one may send it anew.
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const form of document.forms) sent.delete(form);
});
