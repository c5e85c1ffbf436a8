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

/** What a dimension is called aloud, for example "z4, position x, 0.93". */
function spoken(dimension) {
  return [dimension.name, ...dimension.factors.map(([f, s]) => `${f}, ${s.toFixed(2)}`)].join(", ");
}

const sayValue = (dimension, value) => `${spoken(dimension)}: value ${value.toFixed(1)}`;

/** The dimension's name with the factors it is associated with, and how strongly. */
function title(dimension) {
  const node = make("span", "title");
  node.append(make("b", "", dimension.name));
  for (const [factor, strength] of dimension.factors) {
    const part = make("span", "factor", `${factor} `);
    part.append(make("small", "", strength.toFixed(2)));
    node.append(part);
  }
  if (!dimension.active) {
    node.append(make("span", "none", dimension.kl === null ? "inactive" : `KL ${dimension.kl.toFixed(3)} nats`));
  } else if (!dimension.factors.length) {
    const mixture = dimension.mixture.join(", ");
    node.append(make("span", "none", mixture ? `mixes ${mixture}` : "no factor of its own"));
  }
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
    number.textContent = value.toFixed(2);
    reset.disabled = Math.abs(value - start) < 0.005;
  };
  return { node, show };
}

/** One row of the grid: the dimension from low to high; a click takes its value over. */
function gridRow(dimension, steps, [low, high], on) {
  const node = make("div", "strip");
  const label = `${spoken(dimension)}: ${steps} images from ${low.toFixed(1)} to ${high.toFixed(1)}`;
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
    point.style.left = `${100 * Math.min(Math.max(x, 0), 1)}%`;
    point.style.top = `${100 * (1 - Math.min(Math.max(y, 0), 1))}%`;
  };
}

/** Offer bytes behind an address as a file. */
function download(address, name) {
  const link = Object.assign(make("a"), { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}
