// The reading desk by keyboard: answers, citations, drafts and the seal. Without it the form works as it is.
//
// The form is the truth: this module fills its fields and never keeps a state of its own that the form does not show.

const form = document.getElementById("desk");
const questions = [...form.querySelectorAll(".question[data-question]")];
const foot = document.getElementById("foot");
const says = document.getElementById("foot-says");
const seal = document.getElementById("seal");
const keysOn = document.getElementById("keys-on");

const SAVE_AFTER_MS = 600;
const CLOCK_MS = 10_000;

// Where the reader is

let current = questions.find((question) => !answered(question)) ?? questions[0];
let armed = seal.value === "seal";
let sealing = false;

function answered(question) {
  if (question.dataset.kind === "text" || question.dataset.kind === "number") return words(question).value.trim() !== "";
  if (question.dataset.kind === "span") return cited(question).length > 0;
  return chosen(question).length > 0;
}

/** Returns the options that are picked: one of a choice or a scale, any of several. */
function chosen(question) {
  return [...question.querySelectorAll(".options input:checked")];
}

function words(question) {
  return question.querySelector("textarea[name^='a.'], .measure input");
}

function cited(question) {
  return [...question.querySelectorAll(".cited input:checked")];
}

function unsupported(question) {
  const mustCite = question.dataset.mustCite;
  if (mustCite === undefined || cited(question).length > 0) return false;
  if (question.dataset.kind === "number") return answered(question);
  return chosen(question).some((answer) => !mustCite.split(" ").includes(answer.value));
}

function go(question, focus = true) {
  if (!question) return;
  for (const other of questions) other.toggleAttribute("data-current", other === question);
  current = question;
  if (!focus) return;
  question.focus({ preventScroll: true });
  question.scrollIntoView({ block: "nearest" });
}

function step(by) {
  go(questions[Math.min(Math.max(questions.indexOf(current) + by, 0), questions.length - 1)]);
}

// Citing: selections and quotes become passages in code points of the stored text

function points(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** Returns the place of a boundary of a selection, counted from the beginning of its document. */
function place(node, offset) {
  const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
  const block = element.closest(".block") ?? node.childNodes?.[offset]?.closest?.(".block");
  if (!block) return null;
  const range = document.createRange();
  range.selectNodeContents(block);
  if (block.contains(node)) range.setEnd(node, offset);
  else range.collapse(true);
  return Number(block.dataset.start) + points(range.toString());
}

/** Returns the selected passage as a form writes it, with its text; null if nothing citable is selected. */
function selected() {
  const selection = document.getSelection();
  if (!selection || selection.isCollapsed || selection.rangeCount === 0) return null;
  const range = selection.getRangeAt(0);
  const inside = (node) => (node.nodeType === Node.TEXT_NODE ? node.parentElement : node).closest(".document[data-item]");
  const paper = inside(range.startContainer);
  if (!paper || inside(range.endContainer) !== paper) return null;
  let [start, end] = [place(range.startContainer, range.startOffset), place(range.endContainer, range.endOffset)];
  if (start === null || end === null) return null;
  const text = [...paper.textContent].slice(start, end);
  while (text.length > 0 && text[0].trim() === "") (text.shift(), (start += 1));
  while (text.length > 0 && text.at(-1).trim() === "") (text.pop(), (end -= 1));
  if (text.length === 0) return null;
  return { at: `${paper.dataset.item}:${paper.dataset.version}:${start}:${end}`, quote: text.join(""), name: paper.getAttribute("aria-label") };
}

function citing() {
  const takes = (question) => question?.hasAttribute("data-cites");
  return [current, ...questions.slice(0, questions.indexOf(current)).reverse(), ...questions].find(takes);
}

function cite(question, passage) {
  const list = question.querySelector(".cited");
  if ([...list.querySelectorAll("input")].some((input) => input.value === passage.at)) return;
  const item = document.createElement("li");
  item.dataset.at = passage.at;
  const label = document.createElement("label");
  const box = Object.assign(document.createElement("input"), { type: "checkbox", name: `e.${question.dataset.question}`, value: passage.at, checked: true });
  const quote = Object.assign(document.createElement("q"), { textContent: passage.quote });
  const jump = Object.assign(document.createElement("a"), { href: "#", className: "jump", textContent: passage.name });
  label.append(box, quote);
  item.append(label, " ", jump);
  list.append(item);
  changed();
}

/** Returns the range of a passage in the shown document. */
function located(at) {
  const [item, version, start, end] = at.split(":");
  const paper = document.querySelector(`.document[data-item="${item}"][data-version="${version}"]`);
  if (!paper) return null;
  const range = document.createRange();
  const set = (target, edge) => {
    const blocks = [...paper.querySelectorAll(".block")];
    const block = blocks.findLast((candidate) => Number(candidate.dataset.start) <= target - (edge === "end" ? 1 : 0)) ?? blocks[0];
    if (!block) return false;
    let left = target - Number(block.dataset.start);
    const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const letters = [...node.data];
      if (left <= letters.length) {
        const offset = letters.slice(0, left).join("").length;
        edge === "end" ? range.setEnd(node, offset) : range.setStart(node, offset);
        return true;
      }
      left -= letters.length;
    }
    return false;
  };
  return set(Number(start), "start") && set(Number(end), "end") ? range : null;
}

/** Marks the passages that are cited now; the marks of the page as it was served give way to them. */
function mark() {
  if (!window.Highlight || !CSS.highlights) return;
  for (const old of document.querySelectorAll(".papers .document mark[title^='You cite']")) {
    // A passage that somebody else cites as well stays marked for them.
    if (old.title.includes("; ")) continue;
    const block = old.closest(".block");
    old.replaceWith(...old.childNodes);
    block.normalize();
  }
  const ranges = questions.flatMap(cited).map((input) => located(input.value)).filter(Boolean);
  CSS.highlights.set("cited", new Highlight(...ranges));
}

function jump(at) {
  const range = located(at);
  if (!range) return;
  (range.startContainer.parentElement).scrollIntoView({ block: "center" });
  if (window.Highlight && CSS.highlights) CSS.highlights.set("sought", new Highlight(range));
}

async function find(question, field) {
  const quote = field.value;
  if (quote.trim() === "") return;
  const answer = await fetch(form.dataset.quotes, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ quote }),
  }).catch(() => null);
  if (!answer?.ok) return tell(question, "The passage could not be looked up. What you pasted is kept; try again.");
  const { places } = await answer.json();
  const passage = (found) => ({ at: [found.at.item, found.at.version, found.at.start, found.at.end].join(":"), quote: found.quote, name: found.name });
  if (places.length === 1) {
    settle(question, field, passage(places[0]));
  } else if (places.length === 0) {
    tell(question, "The pasted passage stands in none of the documents. Copy it letter by letter.");
  } else {
    ask(question, field, places.map((found) => ({ ...passage(found), before: found.before, after: found.after })));
  }
}

function settle(question, field, passage) {
  tell(question, "");
  question.querySelector(".choices-of-place")?.remove();
  field.value = "";
  cite(question, passage);
  jump(passage.at);
  go(question);
}

function ask(question, field, places) {
  question.querySelector(".choices-of-place")?.remove();
  const group = document.createElement("fieldset");
  group.className = "choices-of-place";
  group.append(Object.assign(document.createElement("legend"), { textContent: `This stands in ${places.length} places. Which do you mean?` }));
  for (const found of places) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "place quiet" });
    const context = (text) => Object.assign(document.createElement("span"), { className: "soft", textContent: text });
    button.append(context(`…${found.before}`), Object.assign(document.createElement("mark"), { textContent: found.quote }), context(`${found.after}…`));
    button.addEventListener("focus", () => jump(found.at));
    button.addEventListener("click", () => settle(question, field, found));
    group.append(button);
  }
  field.closest(".paste").before(group);
  group.querySelector("button").focus();
}

function tell(question, sentence) {
  let line = question.querySelector(".paste-error");
  if (!line) {
    line = Object.assign(document.createElement("p"), { className: "error paste-error" });
    line.setAttribute("role", "alert");
    question.querySelector(".paste").append(line);
  }
  line.textContent = sentence;
}

function citeOrPaste() {
  const passage = selected();
  const question = citing();
  if (!question) return;
  if (passage) {
    cite(question, passage);
    document.getSelection().removeAllRanges();
    go(question, false);
  } else {
    go(question, false);
    question.querySelector(".paste textarea").focus();
  }
}

// The draft: kept a moment after each change, and when the page is left

let keptAt = form.dataset.kept ? Date.parse(form.dataset.kept) : null;
let timer = null;
let dirty = false;

function written() {
  const draft = { answers: {}, evidence: {}, quotes: {}, rationale: "", confidence: "" };
  for (const [name, value] of new FormData(form)) {
    const [kind, key] = [name.slice(0, 2), name.slice(2)];
    if (kind === "a." && value !== "") draft.answers[key] = value;
    if (kind === "m.") draft.answers[key] = draft.answers[key] ? `${draft.answers[key]} ${value}` : value;
    if (kind === "q." && value.trim() !== "") draft.quotes[key] = value;
    if (kind === "e.") {
      const [item, version, start, end] = value.split(":");
      (draft.evidence[key] ??= []).push({ item, version: Number(version), start: Number(start), end: Number(end) });
    }
    if (name === "rationale" || name === "confidence") draft[name] = value;
  }
  return JSON.stringify(draft);
}

async function keep() {
  clearTimeout(timer);
  if (!dirty || sealing) return;
  dirty = false;
  const answer = await fetch(form.dataset.draft, {
    method: "PUT", keepalive: true, headers: { "content-type": "application/json" }, body: written(),
  }).catch(() => null);
  if (answer?.ok) {
    keptAt = Date.parse((await answer.json()).kept_at);
    keptHere = Date.now();
    tick();
  } else {
    dirty = true;
    if (!armed) says.textContent = "The draft could not be kept. It is still on this page; it is tried again with your next change.";
  }
}

// The server's clock may differ from this one: what counts is how long ago this page heard of it.
let keptHere = keptAt;

function tick() {
  if (armed || keptAt === null || dirty) return;
  const seconds = Math.max(0, Math.round((Date.now() - keptHere) / 1000));
  const ago = seconds < 5 ? "just now" : seconds < 60 ? `${seconds - (seconds % 10) || 10} s ago` : `${Math.round(seconds / 60)} min ago`;
  says.textContent = `Draft kept ${ago}.`;
}

function changed() {
  dirty = true;
  disarm();
  mark();
  clearTimeout(timer);
  timer = setTimeout(keep, SAVE_AFTER_MS);
}

// The seal: the first chord says what will be sealed, the second seals

function missing() {
  for (const question of questions) {
    const title = question.querySelector(".title").textContent;
    if (question.hasAttribute("data-required") && !answered(question)) return { at: question, says: `Still to answer: ${title}.` };
    if (unsupported(question)) return { at: question, says: `Still to cite: a passage for ${title}.` };
    const pasted = question.querySelector(".paste textarea");
    if (pasted && pasted.value.trim() !== "") return { at: question, says: "A pasted passage has no place yet: find it, choose one, or clear the field." };
  }
  for (const field of form.querySelectorAll(".prose-field[data-required]")) {
    const input = field.querySelector("textarea, input");
    if (input.value.trim() === "") return { at: input, says: `Still to write: the ${field.dataset.prose}.` };
  }
  return null;
}

function summary() {
  const parts = questions.map((question) => {
    const picked = chosen(question).map((option) => option.closest("label").querySelector("span").textContent).join(", ");
    const unit = question.querySelector(".unit")?.textContent;
    const typed = words(question)?.value.trim() ?? "";
    const answer = picked || (typed && unit ? `${typed} ${unit}` : typed);
    const passages = cited(question).length;
    const evidence = passages === 0 ? "" : passages === 1 ? "1 passage" : `${passages} passages`;
    const said = [answer, evidence].filter((part) => part !== "").join(", ") || "no answer";
    return `${question.querySelector(".title").textContent}: ${said}`;
  });
  const rationale = form.elements.namedItem("rationale");
  if (rationale) {
    const chars = points(rationale.value.trim());
    parts.push(chars === 0 ? "no rationale" : `rationale of ${chars} characters`);
  }
  const confidence = form.elements.namedItem("confidence")?.value.trim();
  if (confidence) parts.push(`confidence ${confidence} %`);
  return parts.join(" · ");
}

function bold(text) {
  return Object.assign(document.createElement("b"), { textContent: text });
}

function label(text) {
  const cap = Object.assign(document.createElement("kbd"), { textContent: "Ctrl Enter" });
  cap.setAttribute("aria-hidden", "true");
  seal.replaceChildren(`${text} `, cap);
}

function arm() {
  const gap = missing();
  if (gap) {
    says.textContent = gap.says;
    foot.dataset.state = "gap";
    gap.at.classList.contains("question") ? go(gap.at) : gap.at.focus();
    return;
  }
  armed = true;
  foot.dataset.state = "armed";
  says.replaceChildren(bold("Will be sealed: "), `${summary()}. `, bold(foot.dataset.final));
  seal.value = "seal";
  label(foot.dataset.verb);
}

function disarm() {
  delete foot.dataset.state;
  if (!armed) return;
  armed = false;
  seal.value = "check";
  label(`Review and ${foot.dataset.verb.split(" ")[0].toLowerCase()}`);
  tick();
}

function chord() {
  if (sealing) return;
  if (!armed) return arm();
  sealing = true;
  clearTimeout(timer);
  form.requestSubmit(seal);
  foot.dataset.state = "sealing";
}

// Keys

function pick(key) {
  if (!current) return false;
  const options = [...current.querySelectorAll(".options input")];
  const option = options.find((input) => input.dataset.cap.toLowerCase() === key) ?? options[Number(key) - 1];
  if (!option) return false;
  const several = option.type === "checkbox";
  option.checked = several ? !option.checked : true;
  changed();
  // Another pick may follow: the reader says when she goes on.
  if (several) return true;
  // A question that wants a passage stays current until it has one.
  if (!unsupported(current)) step(1);
  return true;
}

function typing(target) {
  return target.matches?.("textarea, select, input:not([type='radio'], [type='checkbox'])") || target.isContentEditable;
}

/** Begins a number where one is asked: the digit itself goes into the field. */
function measure(key) {
  if (current?.dataset.kind !== "number" || !/^[0-9-]$/.test(key)) return false;
  const field = words(current);
  field.focus();
  field.select();
  return true;
}

function single(key) {
  switch (key) {
    case ",": return step(-1), true;
    case ".": return step(1), true;
    case "e": return citeOrPaste(), true;
    case "r": return form.elements.namedItem("rationale")?.focus(), true;
    case "h": {
      const guidance = current?.querySelector(".guidance");
      if (guidance) guidance.open = !guidance.open;
      return true;
    }
    default: return adopt(key) || pick(key.toLowerCase());
  }
}

/** Takes over the evidence of a reading, where an adjudicator compares readings: Shift and its letter. */
function adopt(key) {
  const button = current && document.querySelector(`[data-adopt="${CSS.escape(key)}"][data-for="${CSS.escape(current.dataset.question)}"]`);
  if (!button) return false;
  take(button);
  return true;
}

function take(button) {
  const question = questions.find((candidate) => candidate.dataset.question === button.dataset.for);
  for (const shown of button.closest("[data-reading]").querySelectorAll("[data-at]")) {
    cite(question, { at: shown.dataset.at, quote: shown.querySelector("q").textContent, name: shown.dataset.name });
  }
  go(question);
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    return chord();
  }
  if (event.key === "Escape") {
    disarm();
    if (typing(event.target)) go(current);
    return;
  }
  if (event.key === "Enter" && event.target.matches?.(".measure input")) {
    event.preventDefault();
    return unsupported(current) ? go(current) : step(1);
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || !keysOn.checked) return;
  if (measure(event.key)) return;
  if (single(event.key)) event.preventDefault();
});

form.addEventListener("input", changed);
form.addEventListener("focusin", (event) => {
  const question = event.target.closest(".question");
  if (question) go(question, false);
});
form.addEventListener("paste", (event) => {
  if (!event.target.matches(".paste textarea")) return;
  const [question, field] = [event.target.closest(".question"), event.target];
  setTimeout(() => find(question, field));
});
form.addEventListener("submit", (event) => {
  const by = event.submitter;
  if (by?.value === "find") {
    event.preventDefault();
    const question = by.closest(".question");
    find(question, question.querySelector(".paste textarea"));
  } else if (by?.value === "check") {
    event.preventDefault();
    arm();
  } else if (by?.value === "keep") {
    event.preventDefault();
    dirty = true;
    keep();
  } else {
    sealing = true;
  }
});
document.addEventListener("click", (event) => {
  const link = event.target.closest(".jump");
  const shown = link?.closest("[data-at]");
  if (shown) {
    event.preventDefault();
    jump(shown.dataset.at);
  }
  const button = event.target.closest("[data-adopt]");
  if (button && !(event.target instanceof HTMLAnchorElement)) {
    event.preventDefault();
    take(button);
  }
});
addEventListener("pagehide", keep);
setInterval(tick, CLOCK_MS);

// Single keys may be turned off, for those whose tools speak in single keys.
keysOn.closest("label").hidden = false;
keysOn.checked = localStorage.getItem("desk-keys") !== "off";
keysOn.addEventListener("change", () => localStorage.setItem("desk-keys", keysOn.checked ? "on" : "off"));

// Drawings may be looked at closely.
for (const drawing of document.querySelectorAll("[data-zoom]")) {
  const image = drawing.querySelector("img");
  let zoom = 1;
  const tools = Object.assign(document.createElement("p"), { className: "zoom" });
  for (const [text, by] of [["Smaller", 1 / 1.5], ["Larger", 1.5]]) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "quiet small", textContent: text });
    button.addEventListener("click", () => {
      zoom = Math.min(Math.max(zoom * by, 1), 6);
      image.style.width = `${zoom * 100}%`;
    });
    tools.append(button);
  }
  drawing.before(tools);
}

mark();
if (armed) foot.dataset.state = "armed";
go(current, false);
// Keys answer at once; where the page stands is left as it is.
if (!document.querySelector(".errors")) current?.focus({ preventScroll: true });
