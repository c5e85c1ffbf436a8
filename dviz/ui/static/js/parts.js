// Pieces of the panel: names of dimensions, sliders, rows of the grid, and the pad.

function makeCanvas(columns, rows, label) {
  const canvas = make("canvas", "", undefined, { role: "img", "aria-label": label });
  return Object.assign(canvas, { width: SIDE * columns, height: SIDE * rows });
}

/** A number with so many decimals, and never "-0.0". */
const fixed = (value, decimals) => Number(value.toFixed(decimals)).toFixed(decimals);

/** What a dimension is called aloud, for example "z4, position x, strength 0.93". */
function spoken({ name, factors, remark }) {
  const told = factors.map(([f, s]) => (s === null ? f : `${f}, strength ${fixed(s, 2)}`));
  return [name, ...told, remark].filter(Boolean).join(", ");
}

const sayValue = (dimension, value) => `${spoken(dimension)}: value ${fixed(value, 1)}`;

/** The dimension's name with the factors it is associated with, and how strongly. */
function title(dimension) {
  const node = make("span", "title"), name = make("b");
  const to = new URLSearchParams({ checkpoint: view.checkpoint, tab: "dimension", dim: dimension.index });
  name.append(make("a", "", dimension.name, {
    href: `?${to}`, title: `All about ${dimension.name}`, tabindex: "-1", // sliders are quick to walk
  }));
  node.append(name);
  for (const [factor, strength] of dimension.factors) {
    const part = make("span", "factor", `${factor}\u00a0`);
    if (strength !== null) part.append(make("small", "", fixed(strength, 2)));
    node.append(part, " ");
  }
  if (dimension.remark) node.append(make("span", "none", dimension.remark));
  return node;
}

// Shares of a slider's range that a key moves it by.
const STRIDES = {
  ArrowRight: 0.01, ArrowUp: 0.01, ArrowLeft: -0.01, ArrowDown: -0.01, PageUp: 0.1, PageDown: -0.1,
};

/**
 * A slider of one dimension, with its number and a button that resets it.
 * @param {{moved: (value: number) => void, settled: () => void, reset: () => void,
 *   tell?: (value: number) => string, round?: boolean}} on what happens; how the number is told;
 *   whether the end is the beginning
 */
function dial(dimension, [low, high], on) {
  const node = make("div", "dial");
  const name = `${dimension.label} ${dimension.remark}`.trim();
  const input = make("input", "", undefined, { "aria-label": name });
  Object.assign(input, { type: "range", min: low, max: high, step: 10 ** -DECIMALS });
  input.dataset.dimension = dimension.index;
  const number = make("output");
  const reset = make("button", "undo", "↺", {
    type: "button", "aria-label": `Reset ${spoken(dimension)}`, title: "Back to the start",
    tabindex: "-1", // the row of sliders is quick to walk; Backspace on one resets it
  });
  input.addEventListener("input", () => on.moved(Number(input.value)));
  input.addEventListener("keydown", (event) => {
    if (isShortcut(event)) return;
    if (event.key === "Backspace") on.reset();
    const share = STRIDES[event.key];
    if (!share) return; // Home and End are the browser's
    event.preventDefault();
    const next = Number(input.value) + share * (high - low);
    input.value = on.round ? low + ((next - low + high - low) % (high - low)) : next;
    on.moved(Number(input.value));
  });
  input.addEventListener("keyup", (event) => { if (STRIDES[event.key]) on.settled(); });
  input.addEventListener("change", on.settled);
  reset.addEventListener("click", on.reset);
  node.append(title(dimension), input, number, reset);
  const show = (value, start) => {
    // A value from elsewhere may lie beyond the ends; they stay, or a thumb would slip while held.
    [low, high] = [Math.min(low, value), Math.max(high, value)];
    Object.assign(input, { min: low, max: high, value });
    input.style.setProperty("--share", `${(100 * (value - low)) / (high - low)}%`);
    const told = on.tell?.(value);
    const said = told ? `${spoken(dimension)}: ${told}` : sayValue(dimension, value);
    input.setAttribute("aria-valuetext", said);
    number.textContent = told ?? fixed(value, 2);
    reset.disabled = Math.abs(value - start) < 0.005;
  };
  return { node, show };
}

/**
 * One row of the grid: the dimension from low to high; a click takes its value over.
 * @param {() => [number, number]} ends that were painted last
 * @returns `show(value)` tells where the dimension stands, from where arrow keys then go on
 */
function gridRow(dimension, steps, ends, on) {
  const node = make("div", "strip"), [low, high] = ends();
  const label = `${spoken(dimension)}: ${steps} images from ${fixed(low, 1)} to ${fixed(high, 1)}`;
  const canvas = makeCanvas(steps, 1, label);
  const valueAt = (share) => ends()[0] + (ends()[1] - ends()[0]) * share;
  const choose = (step) => on.chosen(valueAt(step / (steps - 1)));
  canvas.addEventListener("click", (event) => {
    const { left, width } = canvas.getBoundingClientRect();
    choose(Math.min(Math.floor((steps * (event.clientX - left)) / width), steps - 1));
  });
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "slider");
  let at = 0;
  const show = (value) => {
    const [low, high] = ends(), share = Math.min(Math.max((value - low) / (high - low), 0), 1);
    at = Math.round(share * (steps - 1));
    canvas.setAttribute("aria-valuenow", Math.round(100 * share));
    canvas.setAttribute("aria-valuetext", sayValue(dimension, value));
  };
  canvas.addEventListener("keydown", (event) => {
    const stride = Math.sign(STRIDES[event.key] ?? 0);
    if (!stride || isShortcut(event)) return;
    event.preventDefault();
    choose(Math.min(Math.max(at + stride, 0), steps - 1));
  });
  const save = make("button", "save", "GIF", {
    type: "button", "aria-label": `Download ${spoken(dimension)} as a moving picture (GIF)`,
    title: "Download a moving picture",
  });
  save.addEventListener("click", () => on.saved(save));
  node.append(title(dimension), canvas, save);
  return { node, canvas, show };
}

/**
 * The pad: a map of two dimensions with a point to drag or to move with the arrow keys.
 * @param {{moved: (x: number, y: number) => void, settled: () => void}} on the point moved, in
 *   shares of the pad from its lower left corner
 */
function wirePad(board, point, on) {
  let x = 0.5, y = 0.5;
  const move = (newX, newY) => {
    [x, y] = [newX, newY].map((share) => Math.min(Math.max(share, 0), 1));
    on.moved(x, y);
  };
  const follow = (event) => {
    const box = board.getBoundingClientRect();
    move((event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height);
  };
  board.addEventListener("pointerdown", (event) => {
    board.setPointerCapture(event.pointerId);
    point.focus({ preventScroll: true });
    event.preventDefault();
    follow(event);
  });
  board.addEventListener("pointermove", (event) => {
    if (board.hasPointerCapture(event.pointerId)) follow(event);
  });
  board.addEventListener("pointerup", on.settled);
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
  point.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (!step || isShortcut(event)) return;
    event.preventDefault();
    const stride = event.shiftKey ? 0.1 : 0.02;
    move(x + stride * step[0], y + stride * step[1]);
  });
  point.addEventListener("keyup", (event) => { if (steps[event.key]) on.settled(); });
  return (newX, newY) => {
    [x, y] = [newX, newY];
    // Inside the pad, whole, at its edges too.
    point.style.left = `clamp(12px, ${100 * x}%, 100% - 12px)`;
    point.style.top = `clamp(12px, ${100 * (1 - y)}%, 100% - 12px)`;
  };
}

/** Offer bytes behind an address as a file. */
function download(address, name) {
  const link = Object.assign(make("a"), { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}
