// The map of codes. `element`, `props`, `server`, `trigger` and `watch` come from gr.HTML.
const find = (selector) => element.querySelector(selector);
const REACH = 14; // pixels around a pointer within which a point counts as pointed at
const STAGES = "stages"; // the colour that tells checkpoints apart
const PAUSE = 90; // milliseconds that a pointer rests before the server is asked for anything
const PHOTO = -2; // stands for a photo where a point's number would
const CONTACT = { columns: 6, rows: 2 };

let view = null; // the value that Python sent
let shown = []; // stages whose points are on the map: as sent, with codes, labels and a painter
let cloud = { stage: [], row: [] }; // of every point: which of `shown`, and which row there
let axes = []; // across and up
let colour = null; // a factor's name, or STAGES
let middle = []; // the code of the sample nearest to the mean, which edges start from
let picked = null; // which points are picked, a mask; null where none are
let path = []; // points, one after the other
let tool = "move";
let edition = 0; // counts what is shown, so that answers about something earlier are dropped
let scatter = null;

function complain(text) {
  find(".problem").textContent = text;
  find(".problem").hidden = !text;
}

const say = (error) => complain(error?.message ?? String(error));

/** Ask the server, and turn what it refuses into an error with its words. */
async function ask(name, stage, request) {
  const reply = await server[name]({ checkpoint: stage.key, ...request }).catch(() => null);
  if (!reply) throw new Error("The connection is lost.");
  if (reply.error) throw new Error(reply.error);
  return reply;
}

const codeOf = (n) => {
  const { codes, latent_size: size } = shown[cloud.stage[n]], at = cloud.row[n] * size;
  return Array.from(codes.subarray(at, at + size));
};
const labelOf = (n, factor) => {
  const { labels, factors } = shown[cloud.stage[n]];
  return labels[cloud.row[n] * factors.length + factor];
};

// Which points, and where.

/** Fetch these stages and put them on the map; false where something else is shown meanwhile. */
async function gather(keys) {
  const asked = ++edition;
  const stages = view.stages.filter(({ key }) => keys.includes(key));
  const fetched = await Promise.all(stages.map(fetchCodes));
  if (asked !== edition) return false;
  shown = stages.map((stage, n) => ({ ...stage, ...fetched[n], painter: new Painter(stage) }));
  const total = shown.reduce((sum, { count }) => sum + count, 0), order = shuffled(total);
  cloud = { stage: new Uint8Array(total), row: new Uint32Array(total) };
  let at = 0;
  for (const [s, { count }] of shown.entries()) {
    for (let row = 0; row < count; row++, at++) {
      cloud.stage[order[at]] = s;
      cloud.row[order[at]] = row;
    }
  }
  middle = mostUsual(shown.find(({ key }) => key === view.checkpoint) ?? shown[0]);
  find(".map-empty").hidden = total > 0;
  find(".map-empty").textContent = view.empty;
  pick(null);
  clearPath();
  lay();
  element.dataset.points = total;
  return true;
}

/** The code nearest to the mean of all. */
function mostUsual({ codes, latent_size: size, count }) {
  const mean = new Array(size).fill(0);
  for (let i = 0; i < codes.length; i++) mean[i % size] += codes[i] / count;
  let best = Infinity, at = 0;
  for (let n = 0; n < count; n++) {
    const far = mean.reduce((sum, value, d) => sum + (codes[n * size + d] - value) ** 2, 0);
    if (far < best) [best, at] = [far, n];
  }
  return Array.from(codes.subarray(at * size, (at + 1) * size));
}

/** Put the points where the axes say. */
function lay() {
  const places = new Float32Array(2 * cloud.row.length);
  for (const [side, axis] of axes.entries()) {
    const values = shown.map(({ codes }) => along(axis, codes));
    const ends = values.flatMap((list) => robustEnds(list));
    const low = Math.min(...ends), high = Math.max(...ends);
    Object.assign(axis, { centre: (low + high) / 2, half: (high - low) / 2 || 1 });
    cloud.stage.forEach((s, n) => {
      places[2 * n + side] = (values[s][cloud.row[n]] - axis.centre) / axis.half;
    });
  }
  scatter.reset();
  scatter.setPlaces(places);
  paint();
  showShift();
  paintEdges();
}

/** The ends of all but the outermost few in a thousand, so that one stray does not shrink the rest. */
function robustEnds(values) {
  if (!values.length) return [-1, 1];
  const sorted = Float64Array.from(values).sort(), cut = Math.floor(values.length / 1000);
  const room = 0.04 * (sorted.at(-1 - cut) - sorted[cut]);
  return [sorted[cut] - room, sorted.at(-1 - cut) + room];
}

// Colours.

const factorOf = (stage) => stage.factors.findIndex(({ name }) => name === colour);
const legendStage = () => shown.find((stage) => factorOf(stage) >= 0);

/** As `factorOf`, of what the legend tells alone: the same name may have other values there. */
function toldOf(stage) {
  const told = legendStage(), factor = factorOf(stage);
  if (factor < 0) return -1;
  const [here, there] = [stage.factors[factor], told.factors[factorOf(told)]].map(({ values, cyclic }) => JSON.stringify([values, cyclic]));
  return here === there ? factor : -1;
}

/** @param {(n: number) => boolean} [stands] whether a point stands out; by default the picked ones */
function paint(stands = picked && ((n) => picked[n])) {
  const colours = new Uint8Array(4 * cloud.row.length), ground = groundOf(find(".map-view"));
  const palettes = shown.map((stage) => {
    const factor = toldOf(stage);
    return { factor, own: factor < 0 ? null : coloursOf(stage.factors[factor]), stage };
  });
  const flat = palettes.map(({ stage }) => (colour === STAGES ? stageColour(stage.kind, element) : NO_VALUE));
  for (let n = 0; n < cloud.row.length; n++) {
    const s = cloud.stage[n], { factor, own } = palettes[s];
    colours.set(own ? own[labelOf(n, factor)] : flat[s], 4 * n);
    colours[4 * n + 3] = !stands || stands(n) ? FULL : FADED;
  }
  scatter.ground = ground.map((part) => part / 255);
  scatter.setColours(colours);
}

const groundOf = (node) => cssColour(getComputedStyle(node).backgroundColor);
const coloursOf = (factor) => {
  const ground = groundOf(find(".map-view"));
  return paletteOf(factor).map((one) => seenOn(ground, one));
};

function showLegend() {
  const stage = legendStage(), factors = shown.map(toldOf);
  const { values, name } = stage?.factors[factorOf(stage)] ?? {};
  const palette = stage && coloursOf(stage.factors[factorOf(stage)]);
  const entries = stage
    ? values.map((label, n) => ({ label, colour: palette[n] }))
    : shown.map(({ kind, dataset }) => ({ label: `${kind}: ${dataset}`, colour: stageColour(kind, element) }));
  const has = (value) => (n) => (stage
    ? factors[cloud.stage[n]] >= 0 && labelOf(n, factors[cloud.stage[n]]) === value
    : cloud.stage[n] === value);
  const gradual = entries.length > WORDS.length;
  find(".map-legend").replaceChildren(legend({ title: name ?? "checkpoint", entries, gradual }, {
    pointed: (value) => paint(value === null ? undefined : has(value)),
    chosen: (value) => pick(Array.from(cloud.row.keys()).filter(has(value))).catch(say),
  }));
}

// Pointing at one, taking one.

let pointedAt = -1, resting = 0;

function point(x, y, reach = REACH) {
  const photo = photosHere().find(({ code }) => {
    const [left, top] = placeOfCode(code);
    return Math.hypot(left - x, top - y) < REACH;
  });
  if (photo) return showPhoto(photo).catch(say);
  const n = scatter.nearest(x, y, reach);
  if (n === pointedAt) return;
  pointedAt = n;
  clearTimeout(resting);
  find(".map-hover").hidden = n < 0;
  drawMarks();
  if (n >= 0) showPoint(n).catch(say);
}

async function showPoint(n) {
  const stage = shown[cloud.stage[n]], card = find(".map-hover");
  const lines = stage.factors.flatMap(({ name, values }, f) => {
    return [make("dt", "", name), make("dd", "", values[labelOf(n, f)])];
  });
  const title = shown.length > 1 ? [make("dt", "", "from"), make("dd", "", `${stage.kind}: ${stage.dataset}`)] : [];
  card.querySelector("dl").replaceChildren(...title, ...lines.slice(0, 24));
  placeCard(card, scatter.pixelOfPoint(n));
  card.querySelector(".genuine").hidden = true;
  const [picture] = await stage.painter.paint([codeOf(n)]);
  if (n !== pointedAt) return;
  put(card.querySelector(".decoded"), picture);
  card.dataset.row = cloud.row[n];
  if (stage.genuine) resting = setTimeout(() => showGenuine(n, stage).catch(say), PAUSE);
}

/** A photo and what the checkpoint makes of it. */
async function showPhoto({ name, picture, code, checkpoint }) {
  pointedAt = PHOTO;
  const stage = shown.find(({ key }) => key === checkpoint), card = find(".map-hover");
  card.querySelector("dl").replaceChildren(make("dt", "", "your photo"), make("dd", "", name));
  card.hidden = false;
  placeCard(card, placeOfCode(code));
  showBeside(picture, "photo");
  const [painted] = await stage.painter.paint([code]);
  if (pointedAt === PHOTO) put(card.querySelector(".decoded"), painted);
}

async function showGenuine(n, stage) {
  const { picture } = await ask("picture", stage, { row: cloud.row[n] });
  if (n !== pointedAt || !picture) return;
  showBeside(picture, "genuine");
}

function showBeside(picture, caption) {
  find(".genuine img").src = picture;
  find(".genuine figcaption").textContent = caption;
  find(".genuine").hidden = false;
}

/** Beside the point, within the map. */
function placeCard(card, [x, y]) {
  const right = x < scatter.width / 2, above = y > scatter.height / 2;
  card.style.left = right ? `${x + 16}px` : "auto";
  card.style.right = right ? "auto" : `${scatter.width - x + 16}px`;
  card.style.top = above ? "auto" : `${Math.max(y - 20, 8)}px`;
  card.style.bottom = above ? `${Math.max(scatter.height - y - 20, 8)}px` : "auto";
}

async function take(n) {
  if (n < 0) return;
  if (tool === "path") return addStop(n);
  const stage = shown[cloud.stage[n]];
  const start = await ask("sample", stage, { row: cloud.row[n] });
  window.dviz.offer({ checkpoint: stage.key, ...start });
}

// What there is to choose.

function showChoices() {
  const option = ([value, text]) => Object.assign(make("option", "", text), { value });
  const choices = axesOf(view).map(({ name, label }) => [name, label]);
  for (const [side, selector] of [".axis-across", ".axis-up"].entries()) {
    find(selector).replaceChildren(...choices.map(option));
    find(selector).value = axes[side].name;
    showAbout(side);
  }
  const factors = [...new Set(view.stages.flatMap((stage) => stage.factors.map(({ name }) => name)))];
  const there = factors.filter((name) => shown.some((s) => s.factors.some((f) => f.name === name)));
  find(".map-colour").replaceChildren(...[...there.map((n) => [n, n]), [STAGES, "checkpoint"]].map(option));
  find(".map-colour").value = colour;
}

/** The way to the page of the dimension on one side. */
function showAbout(side) {
  const link = find(side ? ".about-up" : ".about-across"), { name } = axes[side];
  link.hidden = !name.startsWith("z");
  link.textContent = `About ${name}`;
  link.href = `?${new URLSearchParams({ checkpoint: view.checkpoint, tab: "dimension", dim: name.slice(1) })}`;
}

function showStages() {
  const box = find(".map-stages");
  box.hidden = view.stages.length < 2;
  const inputs = [...box.querySelectorAll("input")];
  if (inputs.map(({ value }) => value).join() === view.stages.map(({ key }) => key).join()) {
    for (const input of inputs) input.checked = shown.some(({ key }) => key === input.value);
    return; // whoever stands on one stays there
  }
  box.replaceChildren(make("legend", "", "Checkpoints"), ...view.stages.map(({ key, kind, dataset }) => {
    const label = make("label", kind);
    const input = Object.assign(make("input"), { type: "checkbox", value: key, checked: shown.some((s) => s.key === key) });
    input.addEventListener("change", () => chooseStages().catch(say));
    const words = make("span", "", kind);
    words.append(make("small", "", dataset));
    label.append(input, words);
    return label;
  }));
}

async function chooseStages() {
  const boxes = [...element.querySelectorAll(".map-stages input")];
  const keys = boxes.filter(({ checked }) => checked).map(({ value }) => value);
  if (!keys.length) return showStages(); // one always stays
  if (!await gather(keys)) return;
  if (keys.length > 1) colour = STAGES;
  else if (colour === STAGES) colour = view.colour ?? STAGES;
  settle();
}

/** After anything about what is shown has changed. */
function settle() {
  const known = shown.some((stage) => factorOf(stage) >= 0);
  if (!known && colour !== STAGES) colour = shown[0].factors[0]?.name ?? STAGES;
  showStages();
  showChoices();
  paint();
  showLegend();
  remember();
}

function remember() {
  const own = shown.length === 1 && shown[0].key === view.checkpoint;
  const names = axes.map(({ name }) => name).join(",");
  window.dviz?.write({
    map: names === view.axes.join(",") ? null : names,
    colour: colour === (view.colour ?? STAGES) ? null : colour,
    shown: own ? null : shown.map(({ kind }) => kind).join(","),
  });
}

window.dviz?.ofCheckpoint("map", "colour", "shown");

/** Show a value from Python, or what the address says of it. */
async function start(value) {
  const address = window.dviz?.read() ?? {};
  const mine = (address.checkpoint ?? value.checkpoint) === value.checkpoint;
  const asked = mine ? address : {};
  view = value;
  complain("");
  const all = axesOf(view);
  const wanted = (asked.map ?? "").split(",").map((name) => all.find((axis) => axis.name === name));
  axes = (wanted.length === 2 && wanted.every(Boolean) ? wanted : view.axes.map((name) => all.find((axis) => axis.name === name)))
    .map((axis) => ({ ...axis }));
  if (axes.length === 1) axes.push({ ...axes[0] });
  colour = asked.colour ?? view.colour ?? STAGES;
  const kinds = (asked.shown ?? "").split(",");
  const keys = view.stages.filter(({ kind }) => kinds.includes(kind)).map(({ key }) => key);
  if (await gather(keys.length ? keys : [view.checkpoint])) settle();
}
