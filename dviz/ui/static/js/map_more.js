// The map, continued: marks over the points, picked samples, paths, the shift; and what starts it all.

// Marks.

let lassoing = null; // corners being drawn
let marking = false;

function drawMarks() {
  if (marking) return;
  marking = true;
  requestAnimationFrame(() => { marking = false; drawMarksNow(); });
}

function drawMarksNow() {
  const { width, height } = scatter, parts = [];
  parts.push(...scaleMarks(0, width, height), ...scaleMarks(1, width, height));
  if (path.length) {
    const places = path.map((n) => scatter.pixelOfPoint(n));
    parts.push(mark("polyline", { points: cornersOf(places), class: "path" }));
    parts.push(...places.map(([cx, cy]) => mark("circle", { cx, cy, r: 5, class: "stop" })));
    if (film) {
      const [cx, cy] = placeOfCode(film.code);
      parts.push(mark("circle", { cx, cy, r: 8, class: "walker" }));
    }
  }
  for (const photo of photosHere()) {
    const node = star(placeOfCode(photo.code), 11);
    node.append(mark("title", {}, photo.name));
    parts.push(node);
  }
  if (pointedAt >= 0) {
    const [cx, cy] = scatter.pixelOfPoint(pointedAt);
    parts.push(mark("circle", { cx, cy, r: 8, class: "ring" }));
  }
  if (lassoing) parts.push(mark("polygon", { points: cornersOf(lassoing), class: "lasso" }));
  find(".marks").replaceChildren(...parts);
}

/** Numbers along one side, and what the axis is. */
function scaleMarks(side, width, height) {
  const axis = axes[side];
  if (!axis?.half) return [];
  const ends = [scatter.placeAt(0, height), scatter.placeAt(width, 0)].map((place) => place[side]);
  const [low, high] = ends.map((share) => axis.centre + share * axis.half);
  return ticks(low, high, side ? 6 : 8).flatMap(([value, text]) => {
    const share = (value - axis.centre) / axis.half;
    const [x, y] = scatter.pixelOf(side ? 0 : share, side ? share : 0);
    const line = side ? { x1: 0, x2: width, y1: y, y2: y } : { x1: x, x2: x, y1: 0, y2: height };
    const at = side ? { x: 6, y: y - 4 } : { x: x + 4, y: height - 6 };
    return [mark("line", { ...line, class: value === 0 ? "zero" : "" }), mark("text", at, text)];
  });
}

/** Where a code lies on the canvas, in pixels. */
function placeOfCode(code) {
  const [x, y] = axes.map((axis) => (along(axis, code)[0] - axis.centre) / axis.half);
  return scatter.pixelOf(x, y);
}

/** Photos that were read, with their codes by the checkpoint shown. */
function photosHere() {
  const keys = shown.map(({ key }) => key);
  return (view?.photos ?? []).filter(({ checkpoint }) => keys.includes(checkpoint));
}

// Pictures along the edges: what each axis changes in the mean picture.

let edging = 0, edgeTimer = 0;

function paintEdges() {
  clearTimeout(edgeTimer);
  edgeTimer = setTimeout(() => paintEdgesNow().catch(say), 60);
}

async function paintEdgesNow() {
  const mine = ++edging;
  const stage = shown.find(({ key }) => key === view.checkpoint) ?? shown[0];
  if (!stage?.count) { // and no other's pictures either
    for (const edge of element.querySelectorAll(".map-edge")) edge.replaceChildren();
    return;
  }
  if (!scatter.width) return; // on a tab that is not open
  for (const [side, name] of ["across", "up"].entries()) {
    const count = EDGE[name], axis = axes[side], codes = [];
    for (let n = 0; n < count; n++) {
      const share = (n + 0.5) / count;
      const place = scatter.placeAt(share * scatter.width, (1 - share) * scatter.height)[side];
      codes.push(movedAlong(axis, middle, axis.centre + place * axis.half));
    }
    const pictures = await stage.painter.paint(codes);
    if (mine !== edging) return;
    const canvases = pictures.map((picture) => {
      const canvas = Object.assign(make("canvas"), { width: SIDE, height: SIDE });
      put(canvas, picture);
      return canvas;
    });
    find(`.map-edge.${name}`).replaceChildren(...(side ? canvases.reverse() : canvases));
    await breathe();
  }
}

// Picked samples, and what they share.

async function pick(points) {
  picked = points?.length ? new Uint8Array(cloud.row.length) : null;
  for (const n of points ?? []) picked[n] = 1;
  find(".map-picked").hidden = !picked;
  find(".map-hint").hidden = Boolean(picked) || path.length > 0;
  if (scatter.count) paint();
  element.dataset.picked = points?.length ?? 0;
  if (!picked) return;
  const asked = edition, mine = picked;
  const many = points.length.toLocaleString("en");
  find(".map-picked h2").textContent = points.length === 1 ? "One sample" : `${many} samples share`;
  find(".map-words").replaceChildren();
  find(".map-bars").replaceChildren();
  await paintContact(points, () => asked === edition && mine === picked);
  if (asked !== edition || mine !== picked) return;
  for (const [s, stage] of shown.entries()) {
    const rows = points.filter((n) => cloud.stage[n] === s).map((n) => cloud.row[n]);
    if (!rows.length) continue;
    const reply = await ask("shared", stage, { picked: bitsOf(rows, stage.count) });
    if (asked !== edition || mine !== picked) return;
    const title = shown.length > 1 ? [make("h3", "", `${stage.kind}: ${rows.length.toLocaleString("en")}`)] : [];
    const list = make("ul");
    list.append(...reply.words.map((line) => make("li", "", line)));
    find(".map-words").append(...title, list);
    find(".map-bars").append(...reply.factors.map(shareBars));
  }
}

/** Some of the picked samples, evenly from first to last. */
async function paintContact(points, still) {
  const { columns, rows } = CONTACT, count = Math.min(columns * rows, points.length);
  const canvas = find(".contact");
  canvas.height = SIDE * Math.ceil(count / columns);
  for (let k = 0; k < count; k++) {
    const n = points[Math.floor((k * points.length) / count)];
    const [picture] = await shown[cloud.stage[n]].painter.paint([codeOf(n)]);
    if (!still()) return;
    put(canvas, picture, k % columns, Math.floor(k / columns));
  }
}

async function savePicked(button) {
  button.disabled = true;
  try {
    for (const [s, stage] of shown.entries()) {
      const rows = Array.from(cloud.row.filter((_, n) => picked[n] && cloud.stage[n] === s));
      if (!rows.length) continue;
      const { text } = await ask("table", stage, { picked: bitsOf(rows, stage.count) });
      const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
      download(address, `${stage.key.split("/").pop()}-picked.csv`);
      setTimeout(() => URL.revokeObjectURL(address), 10_000);
    }
  } catch (error) {
    say(error);
  }
  button.disabled = false;
}

// A path through samples, as a film.

const LEG = 12, MAX_STOPS = 12, FILM_MS = 60; // as dviz.ui.core.codes_map has them
let film = null; // { frames, pictures, code } where it stands
let rolling = false;

const stageOfPath = () => shown[cloud.stage[path[0]]];

function addStop(n) {
  if (n === path.at(-1)) return;
  if (path.length && cloud.stage[n] !== cloud.stage[path[0]]) {
    return complain("A path stays within one checkpoint: its codes mean the same all along.");
  }
  if (path.length === MAX_STOPS) return complain(`A path has at most ${MAX_STOPS} samples.`);
  complain("");
  path = [...path, n];
  showPath();
}

function clearPath() {
  path = [];
  showPath();
}

function showPath() {
  find(".map-path").hidden = !path.length;
  find(".map-hint").hidden = Boolean(picked) || path.length > 0;
  find(".map-path-words").textContent = path.length < 2
    ? "Click a second sample; the film goes straight from one code to the next."
    : `${path.length} samples, ${(path.length - 1) * LEG + 1} pictures.`;
  find(".save-path").disabled = path.length < 2;
  const frames = path.length ? framesOf(path.map(codeOf)) : [];
  film = path.length ? { frames, pictures: [], code: frames.at(-1) } : null;
  if (film && !rolling) play().catch(say);
  drawMarks();
}

function framesOf(stops) {
  const legs = stops.slice(1).flatMap((to, k) => Array.from({ length: LEG }, (_, step) =>
    stops[k].map((value, d) => value + (step / LEG) * (to[d] - value))));
  return [...legs, stops.at(-1)];
}

/** There and back again, until the path is gone; one picture where there is nothing to move. */
async function play() {
  rolling = true;
  try {
    for (let step = 0; film; step++) {
      const mine = film, { frames, pictures } = mine, last = frames.length - 1;
      const still = !last || motionless();
      const at = still ? last : last - Math.abs(last - (step % (2 * last)));
      if (element.offsetParent || still) {
        pictures[at] ??= (await stageOfPath().painter.paint([frames[at]]))[0];
        if (mine !== film) continue; // another path by now
        film.code = frames[at];
        put(find(".film"), pictures[at]);
        drawMarks();
        if (still) return;
      }
      await new Promise((resolve) => setTimeout(resolve, element.offsetParent ? FILM_MS : 1000));
    }
  } finally {
    rolling = false;
  }
}

async function savePath(button) {
  const stage = stageOfPath();
  button.disabled = true;
  await ask("film", stage, { codes: path.map(codeOf) })
    .then(({ animation }) => download(animation, `${stage.key.split("/").pop()}-path.gif`), say);
  button.disabled = false;
}

// How far two checkpoints' codes lie apart.

function showShift() {
  const [first, ...others] = shown.filter(({ count }) => count);
  find(".map-shift").hidden = !others.length;
  if (!others.length) return;
  const against = `Against ${first.kind} (${first.dataset}), in its standard deviations`;
  const table = make("table"), body = make("tbody");
  const row = (tag, cells) => {
    const node = make("tr");
    node.append(...cells.map((cell) => make(tag, "", cell)));
    return node;
  };
  const head = make("thead");
  head.append(row("th", ["", "axis", "moved", "width", "outside"]));
  for (const stage of others) {
    for (const axis of axes) {
      if (first.idle.includes(axis.name)) {
        const idle = row("td", [stage.kind, axis.name, `not in use in the ${first.kind}: no scale to tell it by`]);
        idle.lastChild.colSpan = 3;
        body.append(idle);
        continue;
      }
      const { moved, width, outside } = shiftOf(...[first, stage].map(({ codes }) => along(axis, codes)));
      const sign = moved < 0 ? "−" : "+";
      const cells = [axis.name, `${sign}${fixed(Math.abs(moved), 1)}`, `× ${fixed(width, 1)}`, percent(outside)];
      body.append(row("td", [stage.kind, ...cells]));
    }
  }
  const note = "Outside: beyond where the middle 98% of it lie.";
  table.append(make("caption", "", against), head, body);
  find(".map-shift div").replaceChildren(table, make("p", "", note));
}

/** How the values (N,) of a Target lie to those of a Source. */
function shiftOf(source, target) {
  const [a, b] = [source, target].map(spreadOf);
  const sorted = Float64Array.from(source).sort(), cut = Math.floor(sorted.length / 100);
  const low = sorted[cut], high = sorted.at(-1 - cut);
  const outside = target.filter((value) => value < low || value > high).length / target.length;
  return { moved: (b.mean - a.mean) / (a.std || 1), width: b.std / (a.std || 1), outside };
}

function spreadOf(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, std: Math.sqrt(square) };
}

// Wiring.

function chooseTool(name) {
  tool = name;
  for (const button of element.querySelectorAll("[data-tool]")) {
    button.setAttribute("aria-pressed", String(button.dataset.tool === name));
  }
  find(".map-view").dataset.tool = name;
}

function wire() {
  wireGestures(find(".points"), () => tool, {
    panned: (right, down) => { scatter.pan(right, down); paintEdges(); },
    zoomed: (factor, x, y) => { scatter.zoomAt(factor, x, y); paintEdges(); },
    pointed: (x, y) => point(x, y),
    left: () => point(-1e6, -1e6),
    clicked: (x, y) => { point(x, y, 2 * REACH); if (tool !== "lasso") take(pointedAt).catch(say); },
    drawing: (corners) => { point(-1e6, -1e6); lassoing = corners; drawMarks(); }, // no card over it
    drawn: (corners) => { lassoing = null; drawMarks(); pick(scatter.within(corners)).catch(say); },
    broken: () => { lassoing = null; drawMarks(); },
    cancelled: () => { lassoing = null; pick(null); },
  });
  for (const button of element.querySelectorAll("[data-tool]")) {
    button.addEventListener("click", () => chooseTool(button.dataset.tool));
  }
  find(".whole").addEventListener("click", () => { scatter.reset(); paintEdges(); });
  find(".clear-picked").addEventListener("click", () => pick(null));
  find(".save-picked").addEventListener("click", (event) => savePicked(event.target));
  find(".clear-path").addEventListener("click", clearPath);
  find(".save-path").addEventListener("click", (event) => savePath(event.target));
  for (const [side, selector] of [".axis-across", ".axis-up"].entries()) {
    find(selector).addEventListener("change", (event) => {
      axes[side] = { ...axesOf(view).find(({ name }) => name === event.target.value) };
      lay();
      showAbout(side);
      remember();
    });
  }
  find(".map-colour").addEventListener("change", (event) => { colour = event.target.value; settle(); });
  new ResizeObserver(paintEdges).observe(find(".points"));
  new MutationObserver(() => scatter.count && settle()).observe(document.body, { attributeFilter: ["class"] });
}

const draw = () => { if (props.value?.checkpoint) start(props.value).catch(say); };
window.dviz?.follow((asked) => {
  if (view && (asked.tab ?? "") === "map" && (asked.checkpoint ?? view.checkpoint) === view.checkpoint) draw();
});
try {
  scatter = new Scatter(find(".points"), drawMarks);
  element.dataset.drawn = scatter.painter.kind;
  wire();
  watch("value", draw);
  draw();
} catch (error) {
  say(error);
}
