// What lies over the points of the map and beside them: marks, legend, bars. All built from values.

const SVG = "http://www.w3.org/2000/svg";
const EDGE = { across: 8, up: 5 }; // pictures along each axis
const FADED = 26, FULL = 205; // opacity, of 255
const NO_VALUE = [140, 140, 150]; // the colour of samples without the factor

function mark(tag, attributes, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

/** "3,4 5,6" for the points of a polygon or a line. */
const cornersOf = (places) => places.map((place) => place.map((v) => v.toFixed(1)).join(",")).join(" ");

/** A star with five points around a place. */
function star([x, y], radius) {
  const corners = Array.from({ length: 10 }, (_, n) => {
    const far = n % 2 ? radius * 0.45 : radius, angle = (n * Math.PI) / 5;
    return [x + far * Math.sin(angle), y - far * Math.cos(angle)];
  });
  return mark("polygon", { points: cornersOf(corners), class: "star" });
}

/** Round numbers between two others, about `wanted` of them. */
function ticks(low, high, wanted) {
  const rough = (high - low) / wanted, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((unit) => unit * power).find((unit) => unit >= rough);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) found.push(value);
  return found.map((value) => [value, fixed(value, Math.max(0, -Math.floor(Math.log10(step))))]);
}

/**
 * The legend: a swatch a value where there are few, a scale with its ends where there are many.
 * @param {{title: string, entries: {label: string, colour: number[]}[], gradual: boolean}} what
 * @param {{pointed: (n: number | null) => void, chosen: (n: number) => void}} on
 */
function legend({ title, entries, gradual }, on) {
  const node = make("div", gradual ? "legend-scale" : "legend-words");
  node.append(make("b", "", title));
  const css = ({ colour }) => `rgb(${colour.join(" ")})`;
  if (gradual) {
    const bar = make("span", "scale");
    bar.style.background = `linear-gradient(to right, ${entries.map(css).join(", ")})`;
    node.append(make("span", "", entries[0].label), bar, make("span", "", entries.at(-1).label));
    return node;
  }
  for (const [n, entry] of entries.entries()) {
    const button = make("button", "", undefined, { type: "button", title: "Pick these samples" });
    const swatch = make("i");
    swatch.style.background = css(entry);
    button.append(swatch, entry.label);
    button.addEventListener("pointerenter", () => on.pointed(n));
    button.addEventListener("pointerleave", () => on.pointed(null));
    button.addEventListener("click", () => on.chosen(n));
    node.append(button);
  }
  return node;
}

/**
 * How often each value of a factor occurs among picked samples, against all samples.
 * @param {{name: string, bars: {label: string, share: number, usual: number, more: boolean}[]}} factor
 */
function shareBars({ name, bars }) {
  const node = make("figure", "share");
  node.append(make("figcaption", "", name));
  const top = Math.max(...bars.map(({ share, usual }) => Math.max(share, usual)), 0.01);
  const row = make("div", "columns");
  for (const { label, share, usual, more } of bars) {
    const words = `${label}: ${percent(share)} (all: ${percent(usual)})`;
    const column = make("span", more ? "more" : "", undefined, { title: words });
    const bar = make("b"), line = make("i");
    bar.style.height = `${(100 * share) / top}%`;
    line.style.bottom = `${(100 * usual) / top}%`;
    column.append(bar, line);
    row.append(column);
  }
  const ends = make("p", "ends");
  ends.append(make("span", "", bars[0].label), make("span", "", bars.at(-1).label));
  node.append(row, ends);
  return node;
}

const percent = (share) => `${fixed(100 * share, share && share < 0.0995 ? 1 : 0)}%`;

/** Bits as base64: bit n % 8 of byte n / 8 says whether row n is among `rows`. */
function bitsOf(rows, count) {
  const bytes = new Uint8Array((count + 7) >> 3);
  for (const row of rows) bytes[row >> 3] |= 1 << (row & 7);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
