// The head of the page: which checkpoint is shown, all there are, and the link to this view.
// `element`, `props`, `trigger` and `watch` come from gr.HTML; make() from dom.js.
const find = (selector) => element.querySelector(selector);
const WORDS = { source: "Source", external: "External", direct: "direct", "fine-tuned": "fine-tuned" };
const NOTED = 2500; // milliseconds that "Link copied" stands there
let shown = null; // the value that Python sent

const root = () => (window.gradio_config?.root || window.location.origin).replace(/\/$/, "");
const thumbnail = (key) => `${root()}/${shown.thumbnails}?checkpoint=${encodeURIComponent(key)}`;

/** A button that picks a checkpoint. */
function chip(key, kind, text, where) {
  const node = make("button", `chip ${kind}`, text, { type: "button", "data-key": key });
  node.setAttribute("aria-label", `${where}, ${text}`);
  if (key === shown.key) node.setAttribute("aria-current", "true");
  return node;
}

function familyOf(key) {
  const has = ({ key: root, targets }) =>
    root === key || targets.some(({ stages }) => stages.some((stage) => stage.key === key));
  return shown.families.find(has);
}

/** One line: the Source, and behind it each Target with its stages. */
function drawLine() {
  const family = familyOf(shown.key);
  const line = find(".family-line");
  if (!family) { line.replaceChildren(); return; }
  const source = make("li");
  source.append(chip(family.key, "source", WORDS[family.kind] ?? family.kind, family.title));
  line.replaceChildren(source, ...family.targets.map((target) => {
    const item = make("li", "target");
    item.append(make("span", "", `→ ${target.title}`), ...chipsOf(target, family));
    return item;
  }));
}

const chipsOf = (target, family) => target.stages.map(({ key, kind, title }) =>
  chip(key, kind, WORDS[title] ?? title, `${family.title} to ${target.title}`));

function card(family) {
  const node = make("article", "family");
  node.dataset.words = JSON.stringify(family).toLowerCase();
  const source = make("button", "source-card", undefined, { type: "button", "data-key": family.key });
  if (family.key === shown.key) source.setAttribute("aria-current", "true");
  const image = make("img", "", undefined, { src: thumbnail(family.key), alt: "", loading: "lazy" });
  const words = make("span");
  words.append(make("b", "", family.title), make("small", "", family.title === family.key ? "" : family.key));
  source.append(image, words);
  node.append(source);
  if (family.targets.length) {
    const list = make("ul");
    list.append(...family.targets.map((target) => {
      const item = make("li");
      item.append(make("span", "", target.title), ...chipsOf(target, family));
      return item;
    }));
    node.append(list);
  }
  return node;
}

function draw() {
  const before = element.contains(document.activeElement) ? document.activeElement : null;
  const current = find(".current");
  current.querySelector("img").src = thumbnail(shown.key);
  current.querySelector("b").textContent = shown.title;
  current.querySelector("small").textContent = shown.kind;
  find(".summary").textContent = shown.summary;
  find(".families").replaceChildren(...shown.families.map(card));
  drawLine();
  filter();
  if (before && !before.isConnected) { // the same button of the line that was drawn anew
    const again = before.dataset.key && find(`.family-line [data-key="${CSS.escape(before.dataset.key)}"]`);
    (again || current).focus();
  }
}

function filter() {
  const wanted = find("input[type=search]").value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const node of element.querySelectorAll(".family")) {
    node.hidden = !wanted.every((word) => node.dataset.words.includes(word));
    count += !node.hidden;
  }
  find(".none").hidden = count > 0;
}

function open(wide) {
  find(".picker").hidden = !wide;
  find(".current").setAttribute("aria-expanded", String(wide));
  if (wide) find("input[type=search]").focus();
}

function say(text) {
  find(".status").textContent = text;
}

/** What Python answered: a checkpoint, or only how far a download has come. */
function update() {
  const { value } = props;
  say(value?.status ?? "");
  find("form.hub button").disabled = Boolean(value?.busy);
  if (!value?.families) return;
  const other = value.key !== shown?.key;
  const first = shown === null;
  shown = value;
  if (!other && !value.redraw) return;
  draw();
  if (!first) window.dviz.choose(value.key, value.first);
  open(false);
}

element.addEventListener("click", (event) => {
  const { key } = event.target.closest("[data-key]")?.dataset ?? {};
  if (!key) return;
  const hadFocus = event.target.closest(".picker");
  open(false);
  if (hadFocus) find(".current").focus();
  if (key !== shown.key) trigger("select", { key });
});
find(".current").addEventListener("click", () => open(find(".picker").hidden));
find("input[type=search]").addEventListener("input", filter);
find("form.hub").addEventListener("submit", (event) => {
  event.preventDefault();
  trigger("submit", { id: event.target.elements.id.value });
});
element.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || find(".picker").hidden) return;
  open(false);
  find(".current").focus();
});
document.addEventListener("pointerdown", (event) => {
  if (!element.contains(event.target)) open(false);
});
find(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  const slider = [...document.querySelectorAll(".dial input")].find((node) => node.offsetParent);
  const tab = document.querySelector('[role="tabpanel"]:not([hidden])');
  if (slider) slider.focus();
  else if (tab) { tab.tabIndex = -1; tab.focus(); }
});
find(".copy-link").addEventListener("click", async (event) => {
  const button = event.currentTarget;
  // Outside of secure contexts there is no clipboard.
  const write = async () => navigator.clipboard.writeText(window.dviz.link());
  const done = await write().then(() => true, () => false);
  button.textContent = done ? "Link copied" : "Copy it from the address bar";
  setTimeout(() => { button.textContent = "Copy link"; }, NOTED);
});
// A tab that somebody opens is a view of its own.
document.addEventListener("click", (event) => {
  const tab = event.target.closest('[role="tab"][id^="tab-"]');
  if (!tab) return;
  const slug = tab.id.replace(/^tab-|-button$/g, "");
  window.dviz.write({ tab: slug === shown?.first_tab ? null : slug }, { push: true });
});
window.dviz.follow((view) => trigger("apply", { view }));
watch("value", update);
update();
