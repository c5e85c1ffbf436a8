// The traversal panel. `element`, `props`, `server` and `watch` come from gr.HTML.
const MAP = 7; // pictures along each side of the pad
const DECIMALS = 4; // of a code, here as in the address and from Python: a copy is exact
const TWEEN = 900; // milliseconds that a suggestion takes
const PLAY = 3600; // and the slider that plays by itself
const REST = 300; // milliseconds at rest, after which there is something else to try
const find = (selector) => element.querySelector(selector);
const called = (name) => `${props.prefix ?? ""}${name}`; // in the address
const address = (name) => (window.dviz?.read() ?? {})[called(name)];

let view = null; // the value that Python sent
let code = []; // where the sliders stand, (D,)
let range = null; // the dataset whose spread the sliders cover
let painter = null; // of the checkpoint shown
let others = []; // the other stages that paint differently: { other, canvas }
let first = null; // ImageData of the start
let tried = null; // the code that the chips are of, as text
let dials = new Map(); // by dimension
let circles = []; // sliders of cyclic factors that own two dimensions: { circle, show }
let rows = []; // of the grid
let plane = []; // the two dimensions of the pad, across and up
let edition = 0; // counts starts, so that pictures of an earlier one are dropped

function complain(text) {
  find(".problem").textContent = text;
  find(".problem").hidden = !text;
}

/** What a slider covers: the dataset's spread, and where it stands and started. */
function span({ index }) {
  const inside = [code[index], view.code[index]];
  const low = Math.min(range.low[index], ...inside), high = Math.max(range.high[index], ...inside);
  return [Math.floor(100 * low - 1) / 100, Math.ceil(100 * high + 1) / 100];
}

const moved = (changes) => {
  const copy = [...code];
  for (const [index, value] of changes) copy[index] = Number(value.toFixed(DECIMALS));
  return copy;
};

/** `steps` values from low to high. */
const spread = ([low, high], steps) =>
  Array.from({ length: steps }, (_, step) => low + ((high - low) * step) / (steps - 1));

// Pictures: one frame at a time; what changed while one was under way is painted in the next.
let painting = false, stale = false;

function refresh() {
  stale = true;
  if (painting) return;
  painting = true;
  requestAnimationFrame(async () => {
    stale = false;
    await paintNow().then(() => complain(""), (error) => complain(error.message));
    painting = false;
    if (stale) refresh();
  });
}

/** A code as near as another stage's decoder knows it. */
function nearest(some, within) {
  if (!within) return some;
  const [low, high] = within;
  return some.map((value, d) => Math.min(Math.max(value, low[d]), high[d]));
}

async function paintNow() {
  const asked = edition;
  const [picture] = await painter.paint([code]);
  if (asked !== edition) return;
  put(find(".now canvas"), picture);
  if (first) {
    const { picture: heat, mean } = difference(picture, first);
    put(find(".change canvas"), heat);
    find(".change output").textContent = `${(100 * mean).toFixed(1)}%`;
  }
  for (const { other, canvas, stage } of others) {
    const [image] = await other.paint([nearest(code, stage.within)]);
    if (asked !== edition) return;
    put(canvas, image);
  }
}

// What takes longer is painted row by row once a slider has come to rest.
let turn = 0;

async function settle() {
  const mine = ++turn;
  const still = () => mine === turn;
  setTimeout(() => { if (still()) suggest(); }, REST);
  try {
    await paintGrid(still);
    await paintMap(still);
  } catch (error) {
    complain(error.message);
  }
}

async function paintGrid(still) {
  for (const row of rows) {
    const { canvas, dimension } = row, ends = span(dimension);
    const values = spread(ends, view.steps);
    const pictures = await painter.paint(values.map((value) => moved([[dimension.index, value]])));
    if (!still()) return;
    row.ends = ends;
    row.show(code[dimension.index]);
    pictures.forEach((picture, step) => put(canvas, picture, step));
    await breathe();
    if (!still()) return;
  }
}

async function paintMap(still) {
  const [across, up] = axes();
  const canvas = find(".board canvas");
  if (!across || !up) return;
  for (const [row, y] of along(up).reverse().entries()) {
    const codes = along(across).map((x) => moved([[across.index, x], [up.index, y]]));
    const pictures = await painter.paint(codes);
    if (!still()) return;
    pictures.forEach((picture, column) => put(canvas, picture, column, row));
    await breathe();
    if (!still()) return;
  }
}

/** The value of a dimension at a share of the pad's width or height; up is up in the picture. */
function at(dimension, share) {
  const [low, high] = span(dimension);
  return low + (dimension.backwards ? 1 - share : share) * (high - low);
}

/** Values in the middle of each picture of the map. */
const along = (dimension) => Array.from({ length: MAP }, (_, n) => at(dimension, (n + 0.5) / MAP));

const AXES = [".across", ".up"];
const axes = () => plane.map((index) => view.sliders.find((d) => d.index === index));

/** Give one axis of the pad a dimension; the other axis takes over what it had if they were the same. */
function chooseAxis(place, index) {
  if (plane[1 - place] === index) plane[1 - place] = plane[place];
  plane[place] = index;
  showAxes();
}

function showAxes() {
  for (const [place, selector] of AXES.entries()) find(selector).value = plane[place] ?? "";
}

/** The picture's caption is of the start, which is another picture once anything has moved. */
const sayStart = () => `Started from ${view.caption.replace(/^(A|The) /, (word) => word.toLowerCase())}`;

function show() {
  find(".caption span").textContent = isAway() ? sayStart() : view.caption;
  for (const [index, { show }] of dials) show(code[index], view.code[index]);
  for (const { show } of circles) show(code, view.code);
  for (const { dimension, show } of rows) show(code[dimension.index]);
  showPoint();
}

function showPoint() {
  const [across, up] = axes();
  if (!across || !up) return;
  const share = (dimension) => {
    const [low, high] = span(dimension);
    const way = (code[dimension.index] - low) / (high - low);
    return dimension.backwards ? 1 - way : way;
  };
  placePoint(share(across), share(up));
  const point = find(".point");
  point.setAttribute("aria-valuenow", Math.round(100 * share(across)));
  const said = [across, up].map((d) => sayValue(d, code[d.index])).join("; ");
  point.setAttribute("aria-valuetext", said);
}

/** Move the code, and everything after it. */
function go(changes, rest = true) {
  code = moved(changes);
  show();
  refresh();
  remember();
  if (rest) settle();
}

const isAway = () => code.some((value, index) => Math.abs(value - view.code[index]) > 1e-3);

/** What the address says of the code: nothing where a page opens with it. */
const written = () => (isAway() || view.chosen ? window.dviz.zOf(code) : null);

function remember() {
  if (playing) return;
  window.dviz?.write({
    [called("z")]: written(),
    [called("range")]: range === view.ranges[0] ? null : range.name,
    [called("axes")]: String(plane) === String(view.axes) ? null : plane.join(","),
  });
}

/** Numbers in the address, if they are of this checkpoint and nobody chose another start. */
function sharedNumbers(name) {
  const { checkpoint } = window.dviz?.read() ?? {};
  const text = address(name) ?? "", values = text.split(",").map(Number);
  const fits = view.opening && (props.prefix || (checkpoint ?? view.checkpoint) === view.checkpoint);
  return fits && text && values.every(Number.isFinite) ? values : [];
}

function sharedCode() {
  const values = sharedNumbers("z");
  return values.length === view.code.length ? values : null;
}

/** Two different dimensions that have a slider. */
function sharedAxes() {
  const values = sharedNumbers("axes");
  const known = values.filter((index) => view.sliders.some((d) => d.index === index));
  return values.length === 2 && new Set(known).size === 2 ? values : null;
}

// Movement: towards values, frame by frame, until somebody takes over.
let moving = 0, playing = null; // the latter: what the slider that plays goes back to

/** Stop whatever moves by itself; what nobody moved goes back to where it was. */
function halt() {
  moving++;
  const back = playing;
  playing = null;
  if (back) go(back, false);
}

/**
 * Lead dimensions along a path.
 * @param {(share: number) => [number, number][]} path changes at a share of the time
 * @returns {Promise<boolean>} whether it came to its end
 */
function lead(path, duration) {
  const mine = ++moving;
  if (motionless()) duration = 0;
  return new Promise((resolve) => {
    let begun = null;
    const step = (now) => {
      if (mine !== moving) { resolve(false); return; }
      begun ??= now;
      const share = duration ? Math.min((now - begun) / duration, 1) : 1;
      go(path(share), false);
      if (share < 1) requestAnimationFrame(step);
      else resolve(true);
    };
    requestAnimationFrame(step);
  });
}

/** Lead, and settle wherever it ended, unless there is another start by then. */
async function led(path, duration) {
  const asked = edition;
  await lead(path, duration);
  if (asked === edition) settle();
}

const ease = (share) => (1 - Math.cos(Math.PI * share)) / 2;

/** Move to values one sees coming. */
async function glide(targets) {
  const from = [...code];
  const path = (share) => targets.map(([index, to]) =>
    [index, from[index] + ease(share) * (to - from[index])]);
  await led(path, TWEEN);
}

/** Turn around a circle, from where one stands. */
async function turnOn(circle) {
  const from = [...code], { angle } = polar(circle, from);
  await led((share) => turned(circle, from, angle + ease(share) * TURN), TWEEN);
}

/** One slider plays once, there and back, so that everybody sees what sliders do. */
async function play(index) {
  const [low, high] = span({ index }), from = code[index];
  const middle = (low + high) / 2, reach = (high - low) / 2;
  const begin = Math.asin(Math.min(Math.max((from - middle) / reach, -1), 1));
  playing = [[index, from]];
  const path = (share) => [[index, middle + reach * Math.sin(begin + 2 * Math.PI * ease(share))]];
  if (await lead(path, PLAY)) halt();
  element.dataset.played = "yes";
}

// Whoever takes hold of something in the panel takes over; what plays by itself stops at anything.
for (const kind of ["pointerdown", "keydown"]) {
  document.addEventListener(kind, (event) => {
    const control = event.target.closest?.("input, button, select, .board");
    const walks = ["Tab", "Shift", "Control", "Alt", "Meta"].includes(event.key);
    if (playing || (element.contains(control) && !walks)) halt();
  }, true);
}

/** What there is to try on this picture, where the chips are of another one. */
async function suggest() {
  const asked = code;
  if (String(asked) === tried) return;
  const reply = await server.suggestions({ checkpoint: view.checkpoint, code }).catch(() => null);
  if (asked === code && reply?.suggestions) drawChips(reply.suggestions, asked);
}

// Of the photos' own panel they are on the table already.
const own = props.prefix ? [] : [make("a", "try", "Try your own photo", { href: "?tab=photos" })];

function drawChips(suggestions, of) {
  tried = String(of);
  const there = new Map([...find(".chips").children].map((node) => [node.dataset.dimension, node]));
  const nodes = suggestions.map(({ text, dimension, value }) => {
    const node = there.get(String(dimension)) ?? make("button", "try", "", { type: "button" });
    node.dataset.dimension = dimension;
    node.textContent = text;
    const circle = circleOf(dimension);
    node.onclick = () => (circle ? turnOn(circle) : glide([[dimension, value]]));
    return node;
  });
  const kept = document.activeElement;
  find(".chips").replaceChildren(...nodes, ...own);
  if (nodes.includes(kept)) kept.focus();
}

const circleOf = (index) => view.circles.find(({ dimensions }) => dimensions.includes(index));

function drawDials() {
  const [active, inactive] = element.querySelectorAll(".dial-list");
  const focused = element.contains(document.activeElement) && document.activeElement.dataset.dimension;
  dials = new Map();
  circles = [];
  const build = (dimension) => {
    const { index } = dimension;
    const made = dial(dimension, span(dimension), {
      moved: (value) => go([[index, value]], false),
      settled: settle,
      reset: () => go([[index, view.code[index]]]),
    });
    dials.set(index, made);
    return made.node;
  };
  const place = (dimension) => {
    const circle = circleOf(dimension.index);
    if (!circle) return [build(dimension)];
    if (circles.some((there) => there.circle === circle)) return [];
    const own = view.sliders.filter(({ index }) => circle.dimensions.includes(index));
    const { nodes, show } = turner(circle, own.map(build), {
      moved: (angle) => go(turned(circle, code, angle), false),
      settled: settle,
      reset: () => go(circle.dimensions.map((index) => [index, view.code[index]])),
    });
    circles.push({ circle, show });
    return nodes;
  };
  active.replaceChildren(...view.sliders.flatMap(place));
  inactive.replaceChildren(...view.inactive.map(build));
  find(".more").hidden = !view.left_out;
  find(".more").textContent = `${view.left_out} more dimensions change the picture; the tab Dimension shows each.`;
  const count = view.inactive.length;
  find(".inactive").hidden = !count;
  find(".inactive summary").textContent = `${count} dimension${count > 1 ? "s" : ""} that change${count > 1 ? "" : "s"} nothing`;
  if (focused && !document.activeElement?.dataset.dimension) { // sliders of another checkpoint
    const again = find(`.dial input[data-dimension="${focused}"]`) ?? find(".dial input");
    again?.focus({ preventScroll: true });
  }
}

/** What the numbers beside factors are, by the first one. */
function sayStrength() {
  const names = view.sliders.map(({ label, remark }) => `${label} ${remark}`).join(" ");
  const [strength] = names.match(/\d\.\d\d/) ?? [];
  find(".strength b").textContent = strength ?? "";
  find(".strength").hidden = !strength;
}

function drawGrid() {
  rows = view.sliders.map((dimension) => {
    const row = { dimension, ends: span(dimension) };
    return Object.assign(row, gridRow(dimension, view.steps, () => row.ends, {
      chosen: (value) => go([[dimension.index, value]]),
      saved: (button) => save(dimension, button),
    }));
  });
  find(".strips").replaceChildren(...rows.map(({ node }) => node));
}

async function save(dimension, button) {
  const [low, high] = span(dimension);
  const request = { checkpoint: view.checkpoint, code, dimension: dimension.index, low, high };
  button.disabled = true;
  const reply = await server.animation(request).catch(() => null);
  button.disabled = false;
  if (reply?.animation) download(reply.animation, `${view.checkpoint.split("/").pop()}-${dimension.name}.gif`);
  else complain(reply?.error ?? "The connection is lost; nothing can be downloaded.");
}

/** Other stages of the lineage, but for those whose decoder is one that is shown already. */
function drawStages() {
  const seen = new Set([painter.address?.digest ?? painter.key]);
  const tiles = view.stages.filter(({ key, decoder }) => {
    const paints = decoder?.digest ?? key;
    return !seen.has(paints) && seen.add(paints);
  });
  others = tiles.map((stage) => {
    const canvas = makeCanvas(1, 1, `The same code decoded by ${stage.title}, ${stage.key}`);
    return { other: new Painter(stage), canvas, stage };
  });
  const place = view.kind === "source" && others.length ? `after the trip to ${tiles[0].of}` : "in other stages";
  const heading = make("h2", "", `The same code, ${place}`);
  heading.hidden = !others.length;
  find(".stages").replaceChildren(heading, ...others.map(({ canvas, stage }) => {
    const figure = make("figure", `picture ${stage.kind}`);
    const name = make("figcaption", "", stage.title);
    const near = stage.within ? ", as near as its decoder knows it" : "";
    name.append(make("small", "", stage.of, { title: `The same code, decoded by ${stage.key}${near}` }));
    figure.append(canvas, name);
    return figure;
  }));
}

function drawChoices(other) {
  const option = (value, text) => Object.assign(make("option", "", text), { value });
  const chosen = find(".range select");
  chosen.replaceChildren(...view.ranges.map(({ name, title }) => option(name, title)));
  chosen.value = range.name;
  find(".range").hidden = view.ranges.length < 2;
  for (const selector of AXES) {
    find(selector).replaceChildren(
      ...view.sliders.map((d) => option(d.index, `${d.label} ${d.remark}`.trim())),
    );
  }
  showAxes();
  find(".plane").hidden = view.sliders.length < 2;
}

function drawScenes() {
  const list = find(".scene-list");
  if (list.dataset.of === view.checkpoint) return; // what was chosen stays
  list.dataset.of = view.checkpoint;
  find(".scenes").hidden = !view.scenes.length;
  list.replaceChildren(...view.scenes.map(({ name, values, gallery }, place) =>
    gallery ? sceneGallery(name, place) : sceneSelect(name, values)));
}

function sceneSelect(name, values) {
  const label = make("label", "", `${name} `), select = make("select");
  ["any", ...values].forEach((text, n) => {
    select.append(Object.assign(make("option", "", text), { value: n ? n - 1 : "" }));
  });
  label.append(select);
  return label;
}

/** Values that are numbers of things are shown as the things, drawn by the decoder. */
function sceneGallery(name, place) {
  const node = make("fieldset", "gallery");
  node.append(make("legend", "", name));
  const { checkpoint } = view, scenes = find(".scenes");
  const radio = (value) => {
    const label = make("label"), input = make("input", "", undefined, { type: "radio", value });
    input.name = `${element.id}-${name}`;
    label.append(input);
    return label;
  };
  const fill = async () => {
    if (!scenes.open || view.checkpoint !== checkpoint) return;
    const reply = await server.gallery({ checkpoint, factor: place }).catch(() => null);
    if (!reply?.codes || node.childElementCount > 1) return; // the next opening asks again
    const pictures = await painter.paint(reply.codes);
    const any = radio("");
    any.append("any");
    any.firstChild.checked = true;
    node.append(any, ...reply.values.map((value, n) => {
      const label = radio(value);
      const canvas = makeCanvas(1, 1, `${name} ${value + 1}`);
      put(canvas, pictures[n]);
      label.append(canvas);
      return label;
    }));
    scenes.removeEventListener("toggle", fill);
  };
  scenes.addEventListener("toggle", fill);
  fill();
  return node;
}

async function showScene() {
  const choices = [...find(".scene-list").children].map((node) =>
    (node.querySelector("select") ?? node.querySelector("input:checked"))?.value ?? "");
  const wanted = choices.map((value) => (value === "" ? null : Number(value)));
  answer(await server.scene({ checkpoint: view.checkpoint, wanted }).catch(() => null));
}

const startFrom = async (how) =>
  answer(await server.start({ checkpoint: view.checkpoint, how }).catch(() => null));

/** Show another start that the server found, or say why there is none. */
function answer(reply) {
  if (!reply || reply.error) complain(reply?.error ?? "The connection is lost.");
  else start({ ...view, opening: false, chosen: false, ...reply });
}

/** A takes over what B has in a dimension, of a circle in both of its own. */
const give = (index) =>
  glide((circleOf(index)?.dimensions ?? [index]).map((d) => [d, view.second.code[d]]));

// Two photos: how B differs, to be blended into A or given to it factor by factor.
function drawSecond() {
  const { second } = view;
  find(".second").hidden = !second;
  if (!second) return;
  const blend = find(".blend input");
  blend.value = 0;
  blend.oninput = () => go(view.code.map((from, index) =>
    [index, from + Number(blend.value) * (second.code[index] - from)]), false);
  blend.onchange = settle;
  const named = view.sliders.filter(({ factors }) => factors.length);
  find(".gifts").replaceChildren(...(named.length ? named : view.sliders).map((dimension) => {
    const names = dimension.factors.map(([name]) => name).join(", ") || dimension.name;
    const node = make("button", "try gift", `B's ${names}`, { type: "button", draggable: "true" });
    node.addEventListener("dragstart", (event) =>
      event.dataTransfer.setData("text/plain", String(dimension.index)));
    node.onclick = () => give(dimension.index);
    return node;
  }));
}

find(".now").addEventListener("dragover", (event) => { if (view?.second) event.preventDefault(); });
find(".now").addEventListener("drop", (event) => {
  const dropped = event.dataTransfer.getData("text/plain"), index = Number(dropped);
  if (!view?.second || !dropped || !(index in view.second.code)) return;
  event.preventDefault();
  give(index);
});

/** Show a value from Python: everything anew. */
async function start(value) {
  const asked = ++edition;
  const other = value.checkpoint !== view?.checkpoint;
  const before = view;
  playing = null; // it goes nowhere: all there is is set anew
  halt();
  view = value;
  code = sharedCode() ?? [...view.code];
  const wanted = other || view.opening ? address("range") : range?.name;
  range = view.ranges.find(({ name }) => name === wanted) ?? view.ranges[0];
  if (other || view.opening) plane = sharedAxes() ?? [...view.axes];
  if (view.chosen || (before && (other || !view.opening))) remember();
  if (other) painter = new Painter(view.stages.find(({ key }) => key === view.checkpoint));
  first = null;
  complain("");
  element.dataset.stage = view.kind;
  find(".caption").dataset.room = sayStart(); // so that nothing jumps when it says so
  find(".painted").textContent = view.painted;
  find(".painted").hidden = !view.painted;
  drawChoices(other);
  drawScenes();
  drawDials();
  drawGrid();
  sayStrength();
  if (other) drawStages();
  drawSecond();
  drawChips(view.suggestions ?? [], view.suggestions && view.code);
  show();
  await drawFirst(asked);
}

/** The picture that came along is shown at once; from then on the page paints by itself. */
async function drawFirst(asked) {
  const [picture] = cut(await load(view.picture), 1);
  if (asked !== edition) return;
  first = picture;
  put(find(".now canvas"), picture);
  find(".original").hidden = !view.original;
  if (view.original) put(find(".original canvas"), cut(await load(view.original), 1)[0]);
  await Promise.all([painter, ...others.map(({ other }) => other)].map(({ ready }) => ready));
  if (asked !== edition) return;
  if (painter.decoder) [first] = await painter.paint([view.code]);
  if (asked !== edition) return;
  element.dataset.painter = painter.decoder ? "page" : "server";
  element.dataset.engine = painter.decoder?.engine.kind ?? "";
  refresh();
  const { play: shown } = view;
  if (shown !== null && !isAway() && !motionless() && !element.dataset.played) await play(shown);
  settle();
}

const placePoint = wirePad(find(".board"), find(".point"), {
  moved: (x, y) => {
    go(axes().map((dimension, n) => [dimension.index, at(dimension, n ? y : x)]), false);
  },
  settled: settle,
});
for (const [place, selector] of AXES.entries()) {
  find(selector).addEventListener("change", (event) => {
    chooseAxis(place, Number(event.target.value));
    showPoint();
    remember();
    settle();
  });
}
find(".reset").addEventListener("click", () => { if (isAway()) glide([...view.code.entries()]); });
for (const button of element.querySelectorAll("[data-start]")) {
  button.addEventListener("click", () => startFrom(button.dataset.start));
}
find(".show-scene").addEventListener("click", showScene);
find(".range select").addEventListener("change", (event) => {
  range = view.ranges.find(({ name }) => name === event.target.value);
  drawDials();
  drawGrid();
  show();
  remember();
  settle();
});
window.dviz?.ofCheckpoint(...["z", "range", "axes"].map(called));
/** A page that was opened on another checkpoint waits for it. */
function isElsewhere({ opening, checkpoint }) {
  const asked = window.dviz?.read().checkpoint;
  return !view && opening && !props.prefix && asked && asked !== checkpoint;
}
/** Start from what another tab handed over, if it is of this checkpoint; the address says how far
 * its sliders have moved since. */
function takeOver() {
  const offered = props.prefix ? null : window.dviz?.taken(props.value?.checkpoint);
  if (offered) start({ ...props.value, ...offered, chosen: true, play: null, suggestions: null });
  return Boolean(offered);
}

const draw = () => {
  element.hidden = !props.value?.checkpoint;
  if (!props.value?.checkpoint || takeOver() || isElsewhere(props.value)) return;
  start(props.value);
};
// Another code: of an earlier view, or handed over.
window.dviz?.follow(({ checkpoint = props.value?.checkpoint, tab = "traverse", z = null }) => {
  if (props.prefix || checkpoint !== props.value?.checkpoint || tab !== "traverse") return;
  if (!view || z !== written()) draw();
});
document.addEventListener("dviz:arrive", () => { if (!view) draw(); }); // what it waited for may not exist
watch("value", draw);
draw();
