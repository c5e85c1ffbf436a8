// The traversal panel. `element`, `props`, `server` and `watch` come from gr.HTML.
const MAP = 7; // pictures along each side of the pad
const find = (selector) => element.querySelector(selector);

let view = null; // the value that Python sent
let code = []; // where the sliders stand, (D,)
let range = null; // the dataset whose spread the sliders cover
let painters = []; // one a checkpoint of the lineage
let painter = null; // of the checkpoint shown
let first = null; // ImageData of the start
let dials = new Map(); // by dimension
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
  for (const [index, value] of changes) copy[index] = value;
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

async function paintNow() {
  const asked = edition;
  const [picture] = await painter.paint([code]);
  if (asked !== edition) return;
  put(find(".now canvas"), picture);
  find(".change").hidden = !first || !isAway();
  if (first) {
    const { picture: heat, mean } = difference(picture, first);
    put(find(".change canvas"), heat);
    find(".change output").textContent = `${(100 * mean).toFixed(1)}%`;
  }
  const done = new Map([[painter.address?.digest, picture]]);
  for (const [n, other] of painters.entries()) {
    const digest = other.address?.digest;
    if (painters.length < 2) break;
    const same = other === painter ? picture : digest && done.get(digest);
    const image = same || (await other.paint([code]))[0];
    done.set(digest, image);
    if (asked !== edition) return;
    put(find(`.stage-list figure:nth-child(${n + 1}) canvas`), image);
  }
}

// What takes longer is painted row by row once a slider has come to rest.
let turn = 0;

async function settle() {
  const mine = ++turn;
  const still = () => mine === turn;
  try {
    await paintGrid(still);
    await paintMap(still);
  } catch (error) {
    complain(error.message);
  }
}

async function paintGrid(still) {
  for (const { canvas, dimension } of rows) {
    const values = spread(span(dimension), view.steps);
    const pictures = await painter.paint(values.map((value) => moved([[dimension.index, value]])));
    if (!still()) return;
    pictures.forEach((picture, step) => put(canvas, picture, step));
    await breathe();
    if (!still()) return;
  }
}

async function paintMap(still) {
  const [across, up] = axes();
  const canvas = find(".board canvas");
  if (!across || !up) return;
  for (const [row, y] of middles(span(up)).reverse().entries()) {
    const codes = middles(span(across)).map((x) => moved([[across.index, x], [up.index, y]]));
    const pictures = await painter.paint(codes);
    if (!still()) return;
    pictures.forEach((picture, column) => put(canvas, picture, column, row));
    await breathe();
    if (!still()) return;
  }
}

/** Values in the middle of each picture of the map. */
const middles = ([low, high]) =>
  Array.from({ length: MAP }, (_, n) => low + ((high - low) * (n + 0.5)) / MAP);

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

function show() {
  for (const [index, { show }] of dials) show(code[index], view.code[index]);
  showPoint();
}

function showPoint() {
  const [across, up] = axes();
  if (!across || !up) return;
  const share = (dimension) => {
    const [low, high] = span(dimension);
    return (code[dimension.index] - low) / (high - low);
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

function remember() {
  window.dviz?.write({
    checkpoint: view.checkpoint,
    z: isAway() || view.chosen ? code.map((value) => String(Number(value.toFixed(3)))).join(",") : null,
    range: view.ranges.length > 1 ? range.name : null,
    axes: String(plane) === String(view.axes) ? null : plane.join(","),
  });
}

/** Numbers in the address, if they are of this checkpoint and the page has just been opened. */
function sharedNumbers(name) {
  const address = window.dviz?.read() ?? {};
  const fits = view.opening && (address.checkpoint ?? view.checkpoint) === view.checkpoint;
  const values = (address[name] ?? "").split(",").map(Number);
  return fits && address[name] && values.every(Number.isFinite) ? values : [];
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

function drawDials() {
  const [active, inactive] = element.querySelectorAll(".dial-list");
  dials = new Map();
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
  active.replaceChildren(...view.sliders.map(build));
  inactive.replaceChildren(...view.inactive.map(build));
  const count = view.inactive.length;
  find(".inactive").hidden = !count;
  find(".inactive summary").textContent = `${count} inactive dimension${count > 1 ? "s" : ""}`;
}

function drawGrid() {
  rows = view.sliders.map((dimension) => ({
    dimension,
    ...gridRow(dimension, view.steps, span(dimension), {
      chosen: (value) => go([[dimension.index, value]]),
      saved: (button) => save(dimension, button),
    }),
  }));
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

function drawStages() {
  find(".stages").hidden = view.stages.length < 2;
  find(".stage-list").replaceChildren(...view.stages.map((stage) => {
    const figure = make("figure", `picture ${stage.kind}`);
    const caption = make("figcaption", "", stage.title);
    caption.append(make("small", "", stage.remark));
    figure.append(makeCanvas(1, 1, `The same code decoded by ${stage.title}, ${stage.key}`), caption);
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
  list.replaceChildren(...view.scenes.map(({ name, values }) => {
    const label = make("label", "", `${name} `);
    const select = make("select");
    ["any", ...values].forEach((text, n) => {
      select.append(Object.assign(make("option", "", text), { value: n ? n - 1 : "" }));
    });
    label.append(select);
    return label;
  }));
}

async function showScene() {
  const selects = [...element.querySelectorAll(".scene-list select")];
  const wanted = selects.map(({ value }) => (value === "" ? null : Number(value)));
  const reply = await server.scene({ checkpoint: view.checkpoint, wanted }).catch(() => null);
  if (!reply || reply.error) complain(reply?.error ?? "The connection is lost.");
  else start({ ...view, opening: false, ...reply });
}

/** Show a value from Python: everything anew. */
async function start(value) {
  const asked = ++edition;
  const other = value.checkpoint !== view?.checkpoint;
  const before = view;
  view = value;
  code = sharedCode() ?? [...view.code];
  range = view.ranges.find(({ name }) => name === (other ? window.dviz?.read().range : range?.name))
    ?? view.ranges[0];
  if (other) plane = sharedAxes() ?? [...view.axes];
  if (view.chosen || (before && (other || !view.opening))) remember();
  if (other) {
    painters = view.stages.map((stage) => new Painter(stage));
    painter = painters.find(({ key }) => key === view.checkpoint);
  }
  first = null;
  complain("");
  find(".caption").textContent = view.caption;
  find(".now figcaption").textContent = view.painted;
  drawChoices(other);
  drawScenes();
  drawDials();
  drawGrid();
  drawStages();
  show();
  await drawFirst(asked);
}

/** The picture that came along is shown at once; from then on the page paints by itself. */
async function drawFirst(asked) {
  const [picture] = cut(await load(view.picture), 1);
  if (asked !== edition) return;
  first = picture;
  put(find(".now canvas"), picture);
  find(".original canvas").hidden = !view.original;
  find(".original .missing").hidden = Boolean(view.original);
  if (view.original) put(find(".original canvas"), cut(await load(view.original), 1)[0]);
  await Promise.all(painters.map(({ ready }) => ready));
  if (asked !== edition) return;
  if (painter.decoder) [first] = await painter.paint([view.code]);
  element.dataset.painter = painter.decoder ? "page" : "server";
  element.dataset.engine = painter.decoder?.engine.kind ?? "";
  refresh();
  settle();
}

const placePoint = wirePad(find(".board"), find(".point"), {
  moved: (x, y) => {
    const changes = axes().map((dimension, n) => {
      const [low, high] = span(dimension);
      return [dimension.index, low + (n ? y : x) * (high - low)];
    });
    go(changes, false);
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
find(".reset").addEventListener("click", () => go(view.code.entries()));
find(".show-scene").addEventListener("click", showScene);
find(".range select").addEventListener("change", (event) => {
  range = view.ranges.find(({ name }) => name === event.target.value);
  drawDials();
  drawGrid();
  show();
  remember();
  settle();
});
/** Start from what another tab handed over, if it is of this checkpoint. */
function takeOver() {
  const offered = window.dviz?.taken(props.value?.checkpoint);
  if (offered) start({ ...props.value, ...offered, opening: false, chosen: true });
  return Boolean(offered);
}

const draw = () => { if (props.value?.checkpoint && !takeOver()) start(props.value); };
document.addEventListener("dviz:offer", takeOver);
watch("value", draw);
draw();
