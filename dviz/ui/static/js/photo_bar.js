// Photos, how one is prepared, and who reads it: each choice is a picture to press.
// `element`, `props`, `trigger` and `watch` come from gr.HTML; make() from dom.js.
const find = (selector) => element.querySelector(selector);

/** A button that shows what it chooses. */
function tile({ picture, text, stage, note, pressed, label }, choose) {
  const node = make("button", "tile", undefined, { type: "button", "aria-pressed": String(pressed) });
  node.setAttribute("aria-label", label ?? text);
  const image = make("img", "", undefined, { src: picture, alt: "", width: 64, height: 64 });
  const words = make("span", "", text);
  if (stage) words.append(make("small", "", stage));
  if (note) words.append(make("small", "", note));
  node.append(image, words);
  node.addEventListener("click", choose);
  return node;
}

function draw() {
  const { value } = props;
  element.hidden = !value?.shots?.length;
  if (element.hidden) return;
  const focused = document.activeElement?.closest(".tile");
  const place = focused && [...focused.parentElement.children].indexOf(focused);
  const group = focused?.parentElement;
  find(".shots").replaceChildren(...value.shots.map((shot, n) =>
    tile(shot, () => pick({ photo: n, view: null, reader: null }))));
  find(".several").hidden = value.shots.length < 2;
  find(".views").replaceChildren(...value.views.map((view) => tile(view, () => pick({ view: view.text }))));
  find(".tries").replaceChildren(...value.tries.map((entry) => tile(entry, () => pick({ reader: entry.key, view: null }))));
  if (group && !focused.isConnected) group.children[place]?.focus();
}

/** Null is what the page finds best by itself. */
function pick(choice) {
  const names = Object.entries(choice).map(([name, value]) => [name, value || null]);
  window.dviz.write({ ...Object.fromEntries(names), photo_z: null }, { push: true });
  trigger("select", choice);
}

watch("value", draw);
draw();
