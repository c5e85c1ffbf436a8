// The codes of a map: fetched, laid out along two axes, coloured.

const fetchedCodes = new Map(); // address to a promise of codes and labels

/**
 * The stored sample of a checkpoint.
 * @returns {Promise<{codes: Float64Array, labels: Uint32Array}>} (count, latent_size), (count, factors)
 */
function fetchCodes({ points, count, latent_size: latent }) {
  if (!fetchedCodes.has(points)) {
    const root = (window.gradio_config?.root || window.location.origin).replace(/\/$/, "");
    const asked = fetch(`${root}/${points}`).then(async (reply) => {
      if (!reply.ok) throw new Error("The codes of this checkpoint cannot be had; reload the page.");
      const buffer = await reply.arrayBuffer(), half = count * latent;
      const labels = new Uint32Array(buffer, 4 * Math.ceil(half / 2));
      return { codes: fromHalf(new Uint16Array(buffer, 0, half)), labels };
    });
    asked.catch(() => fetchedCodes.delete(points)); // the next one may try again
    fetchedCodes.set(points, asked);
  }
  return fetchedCodes.get(points);
}

/**
 * An axis of the map.
 * @typedef {object} Axis
 * @property {string} name "z3", or "pc1" for the first principal component
 * @property {number[]} mean (D,) @property {number[]} direction (D,), of length 1
 */

/** Every axis that there is to choose. @returns {(Axis & {label: string})[]} */
function axesOf({ dimensions, principal }) {
  const size = principal.mean.length, zero = new Array(size).fill(0);
  const own = dimensions.map(({ index, name, label, remark }) => ({
    name, label: `${label} ${remark}`.trim(), mean: zero, direction: zero.map((_, d) => Number(d === index)),
  }));
  const mixed = principal.axes.map((direction, n) => ({
    name: `pc${n + 1}`, direction, mean: principal.mean,
    label: `PCA ${n + 1} · ${Math.round(100 * principal.shares[n])}% of the variance`,
  }));
  return [...own, ...mixed];
}

/** Where codes (N, D) lie on an axis, (N,). */
function along({ mean, direction }, codes) {
  const size = direction.length, count = codes.length / size, values = new Float64Array(count);
  const parts = direction.flatMap((weight, d) => (weight ? [[d, weight]] : []));
  for (let n = 0; n < count; n++) {
    for (const [d, weight] of parts) values[n] += weight * (codes[n * size + d] - mean[d]);
  }
  return values;
}

/** `code` (D,) moved along an axis to a value there. */
function movedAlong({ mean, direction }, code, value) {
  const now = direction.reduce((sum, weight, d) => sum + weight * (code[d] - mean[d]), 0);
  return code.map((part, d) => part + (value - now) * direction[d]);
}

/** Even numbers in reading order whose distances look random: an order in which none hides another. */
function shuffled(count) {
  const order = Uint32Array.from({ length: count }, (_, n) => n);
  let seed = 1;
  for (let n = count - 1; n > 0; n--) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const other = seed % (n + 1);
    [order[n], order[other]] = [order[other], order[n]];
  }
  return order;
}

// Colours. Green, orange and blue say stages; factors have others.
const WORDS = ["#aa3377", "#ddaa33", "#66ccee", "#882255", "#bbbbbb", "#ee7766", "#6655cc", "#999933",
  "#44aa99", "#cc99bb", "#775533", "#99ddff"];
const NUMBERS = ["#3b0f70", "#8c2981", "#de4968", "#fe9f6d", "#fcf2a8"]; // dark to bright
const RING = ["#a95aa1", "#e0736b", "#d5a741", "#84a65a", "#5aa5a6", "#7a86c6", "#a95aa1"];
const STAGE = { source: "--source", direct: "--direct", "fine-tuned": "--fine-tuned" };

const TOO_ALIKE = 70; // of 255, in every channel

const rgbOf = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

/** A colour of a scale at a share in [0, 1]. @returns {number[]} red, green, blue */
function onScale(scale, share) {
  const place = clamp(share, 0, 1) * (scale.length - 1);
  const from = Math.min(Math.floor(place), scale.length - 2);
  const [low, high] = [rgbOf(scale[from]), rgbOf(scale[from + 1])];
  return low.map((value, c) => Math.round(value + (place - from) * (high[c] - value)));
}

// Names that CSS lacks, or means something else by than the hues of the datasets.
const HUES = {
  lime: "#ccff00", green: "#33ff00", mint: "#00ff66", azure: "#0066ff", violet: "#cc00ff",
  pink: "#ff0099", sage: "#9caf88", palepink: "#fadadd",
};

/** Any colour that CSS knows as numbers; null where it knows none. */
function cssColour(name) {
  if (!CSS.supports("color", name)) return null;
  const context = cssColour.context ??= new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  context.fillStyle = name;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

const colourNamed = (name) => cssColour(HUES[name] ?? name);

/** A colour for each value of a factor: as it is called, by hand, on a ring or on a scale. */
function paletteOf({ name, values, cyclic }) {
  const named = /hue|colou?r/.test(name) ? values.map((value) => colourNamed(value.replaceAll(" ", ""))) : [null];
  if (named.every(Boolean)) return named;
  const counted = values.every((value) => Number.isFinite(parseFloat(value)));
  if (!counted && values.length <= WORDS.length) return values.map((_, n) => rgbOf(WORDS[n]));
  const steps = cyclic ? values.length : Math.max(values.length - 1, 1);
  return values.map((_, n) => onScale(cyclic ? RING : NUMBERS, n / steps));
}

/** A colour that is seen on a ground, mixed with its opposite where they are too alike. */
function seenOn(ground, colour) {
  const alike = Math.max(...colour.map((part, c) => Math.abs(part - ground[c]))) < TOO_ALIKE;
  return alike ? colour.map((part, c) => Math.round(0.7 * part + 0.3 * (255 - ground[c]))) : colour;
}

/** The colour of a stage as the style sheet has it. */
const stageColour = (kind, node) => cssColour(getComputedStyle(node).getPropertyValue(STAGE[kind]).trim() || "#888888");
