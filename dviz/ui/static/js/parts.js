// Pieces of the panel: names of dimensions, sliders, rows of the grid, and the pad.

function make(tag, className = "", text = undefined, attributes = {}) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function makeCanvas(columns, rows, label) {
  const canvas = make("canvas", "", undefined, { role: "img", "aria-label": label });
  return Object.assign(canvas, { width: SIDE * columns, height: SIDE * rows });
}

/** A number with so many decimals, and never "-0.0". */
const fixed = (value, decimals) => Number(value.toFixed(decimals)).toFixed(decimals);

/** What a dimension is called aloud, for example "z4, position x, 0.93". */
function spoken({ name, factors, remark }) {
  return [name, ...factors.map(([f, s]) => `${f}, ${fixed(s, 2)}`), remark].filter(Boolean).join(", ");
}

const sayValue = (dimension, value) => `${spoken(dimension)}: value ${fixed(value, 1)}`;

/** The dimension's name with the factors it is associated with, and how strongly. */
function title(dimension) {
  const node = make("span", "title");
  node.append(make("b", "", dimension.name));
  for (const [factor, strength] of dimension.factors) {
    const part = make("span", "factor", `${factor}\u00a0`);
    part.append(make("small", "", fixed(strength, 2)));
    node.append(part, " ");
  }
  if (dimension.remark) node.append(make("span", "none", dimension.remark));
  return node;
}

/**
 * A slider of one dimension, with its number and a button that resets it.
 * @param {{moved: (value: number) => void, settled: () => void, reset: () => void}} on
 */
function dial(dimension, [low, high], on) {
  const node = make("div", "dial");
  const input = make("input", "", undefined, { "aria-label": dimension.label });
  Object.assign(input, { type: "range", min: low, max: high, step: 0.01 });
  input.dataset.dimension = dimension.index;
  const number = make("output");
  const reset = make("button", "undo", "↺", {
    type: "button", "aria-label": `Reset ${spoken(dimension)}`, title: "Back to the start",
  });
  input.addEventListener("input", () => on.moved(Number(input.value)));
  input.addEventListener("change", on.settled);
  reset.addEventListener("click", on.reset);
  node.append(title(dimension), input, number, reset);
  const show = (value, start) => {
    input.value = value;
    input.setAttribute("aria-valuetext", sayValue(dimension, value));
    number.textContent = fixed(value, 2);
    reset.disabled = Math.abs(value - start) < 0.005;
  };
  return { node, show };
}

/** One row of the grid: the dimension from low to high; a click takes its value over. */
function gridRow(dimension, steps, [low, high], on) {
  const node = make("div", "strip");
  const label = `${spoken(dimension)}: ${steps} images from ${fixed(low, 1)} to ${fixed(high, 1)}`;
  const canvas = makeCanvas(steps, 1, label);
  canvas.addEventListener("click", (event) => {
    const { left, width } = canvas.getBoundingClientRect();
    const step = Math.min(Math.floor((steps * (event.clientX - left)) / width), steps - 1);
    on.chosen(low + ((high - low) * step) / (steps - 1));
  });
  const save = make("button", "save", "GIF", {
    type: "button", "aria-label": `Download ${spoken(dimension)} as a moving picture (GIF)`,
    title: "Download a moving picture",
  });
  save.addEventListener("click", () => on.saved(save));
  node.append(title(dimension), canvas, save);
  return { node, canvas };
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
    if (!step) return;
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
