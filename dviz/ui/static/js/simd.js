// Loops that multiply and add four numbers at once, as WebAssembly written here for the sizes asked
// for. Browsers know it as fixed-width SIMD; where one does not, `plainLoop` does the same.
//
// A loop sums, for each of `count` pixels of a row, products of inputs and weights:
//   out[p · outStep + o] = bias[o] + Σ_tap Σ_i x[p · xStep + tap · tapStep + i] · weight[tap, i, o]
// for 4 · quads outputs o. Places and steps are counted in numbers.

/**
 * @typedef {{quads: number, taps: number, tapStep: number, length: number, xStep: number,
 *   outStep: number}} LoopShape
 * @typedef {(x: number, weight: number, bias: number, out: number, count: number) => void} Loop
 *   on places in an engine's values; count is a multiple of eight
 */

/**
 * Numbers and loops over them, the fastest kind that the browser has.
 * @param {number} size how many numbers
 * @param {LoopShape[]} shapes
 * @param {boolean} plain whether to do without WebAssembly
 * @returns {{values: Float32Array | Float64Array, loops: Loop[], kind: string}}
 */
function makeEngine(size, shapes, plain = false) {
  const code = plain ? null : assemble(shapes);
  if (code && typeof WebAssembly === "object" && WebAssembly.validate(code)) {
    try {
      return simdEngine(size, shapes, code);
    } catch {} // no memory for it, or a policy against it
  }
  const values = new Float64Array(size); // the engine need not convert
  return { values, loops: shapes.map((shape) => plainLoop(values, shape)), kind: "plain" };
}

function simdEngine(size, shapes, code) {
  const memory = new WebAssembly.Memory({ initial: Math.ceil((4 * size) / 65536) });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code), { e: { m: memory } });
  const loops = shapes.map((_, n) => {
    const run = exports[n];
    return (x, weight, bias, out, count) => run(4 * x, 4 * weight, 4 * bias, 4 * out, count);
  });
  return { values: new Float32Array(memory.buffer), loops, kind: "simd" };
}

/** @returns {Loop} two pixels and four outputs at a time */
function plainLoop(values, { quads, taps, tapStep, length, xStep, outStep }) {
  const step = 4 * quads;
  return (x, weight, bias, out, count) => {
    for (let o = 0; o < step; o += 4) {
      const bias0 = values[bias + o], bias1 = values[bias + o + 1];
      const bias2 = values[bias + o + 2], bias3 = values[bias + o + 3];
      for (let pixel = 0; pixel < count; pixel += 2) {
        let a0 = bias0, a1 = bias1, a2 = bias2, a3 = bias3;
        let b0 = bias0, b1 = bias1, b2 = bias2, b3 = bias3;
        let w = weight + o;
        for (let tap = 0; tap < taps; tap++) {
          let from = x + pixel * xStep + tap * tapStep;
          for (const end = from + length; from < end; from++, w += step) {
            const a = values[from], b = values[from + xStep];
            const w0 = values[w], w1 = values[w + 1], w2 = values[w + 2], w3 = values[w + 3];
            a0 += a * w0; a1 += a * w1; a2 += a * w2; a3 += a * w3;
            b0 += b * w0; b1 += b * w1; b2 += b * w2; b3 += b * w3;
          }
        }
        let to = out + pixel * outStep + o;
        values[to] = a0; values[to + 1] = a1; values[to + 2] = a2; values[to + 3] = a3;
        to += outStep;
        values[to] = b0; values[to + 1] = b1; values[to + 2] = b2; values[to + 3] = b3;
      }
    }
  };
}

const I32 = 0x7f, V128 = 0x7b, GET = 0x20, SET = 0x21;

/** A module that exports a function a shape, named by its number, over an imported memory e.m. */
function assemble(shapes) {
  const string = (text) => [text.length, ...[...text].map((letter) => letter.charCodeAt(0))];
  const list = (items) => [...unsigned(items.length), ...items.flat()];
  const section = (id, bytes) => [id, ...unsigned(bytes.length), ...bytes];
  return new Uint8Array([
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00,
    ...section(1, list([[0x60, 5, I32, I32, I32, I32, I32, 0]])), // five numbers to nothing
    ...section(2, list([[...string("e"), ...string("m"), 0x02, 0x00, 0x01]])),
    ...section(3, list(shapes.map(() => [0]))),
    ...section(7, list(shapes.map((_, n) => [...string(String(n)), 0x00, ...unsigned(n)]))),
    ...section(10, list(shapes.map((shape) => {
      const body = assembleLoop(shape);
      return [...unsigned(body.length), ...body];
    }))),
  ]);
}

/** The function of one shape: four pixels × two quads at a time, or eight × one. */
function assembleLoop({ quads, taps, tapStep, length, xStep, outStep }) {
  const pixels = 8 / quads;
  const [x, weight, bias, out, count, from, end, w, stop] = Array(9).keys();
  const sum = (p, q) => 9 + p * quads + q;
  const factor = (q) => 9 + pixels * quads + q, input = 9 + pixels * quads + quads;
  const each = (length, write) => Array.from({ length }, (_, n) => write(n)).flat();
  const eachSum = (write) => each(pixels, (p) => each(quads, (q) => write(p, q)));
  const get = (local) => [GET, local], set = (local) => [SET, local];
  const plus = (local, by) => [...get(local), 0x41, ...signed(by), 0x6a];
  const move = (local, by) => [...plus(local, by), ...set(local)];
  const vector = (code, offset = null) =>
    [0xfd, ...unsigned(code), ...(offset === null ? [] : [2, ...unsigned(offset)])];
  const [LOAD, SPLAT, STORE, ADD, MULTIPLY] = [0x00, 0x09, 0x0b, 0xe4, 0xe6];
  const until = (local, bound) => [...get(local), ...get(bound), 0x47, 0x0d, 0, 0x0b];
  const oneTap = (tap) => [
    ...plus(x, 4 * tap * tapStep), ...set(from), ...plus(from, 4 * length), ...set(end),
    0x03, 0x40,
    ...each(quads, (q) => [...get(w), ...vector(LOAD, 16 * q), ...set(factor(q))]),
    ...each(pixels, (p) => [
      ...get(from), ...vector(SPLAT, 4 * p * xStep), ...set(input),
      ...each(quads, (q) => [
        ...get(sum(p, q)), ...get(input), ...get(factor(q)), ...vector(MULTIPLY), ...vector(ADD),
        ...set(sum(p, q)),
      ]),
    ]),
    ...move(w, 16 * quads), ...move(from, 4),
    ...until(from, end),
  ];
  return [
    2, 4, I32, ...unsigned(pixels * quads + quads + 1), V128,
    ...get(count), 0x41, ...signed(4 * xStep), 0x6c, ...get(x), 0x6a, ...set(stop),
    0x03, 0x40,
    ...eachSum((p, q) => [...get(bias), ...vector(LOAD, 16 * q), ...set(sum(p, q))]),
    ...get(weight), ...set(w),
    ...each(taps, oneTap),
    ...eachSum((p, q) =>
      [...get(out), ...get(sum(p, q)), ...vector(STORE, 4 * p * outStep + 16 * q)]),
    ...move(out, 4 * pixels * outStep), ...move(x, 4 * pixels * xStep),
    ...until(x, stop),
    0x0b,
  ];
}

/** A whole number from 0 in LEB128. */
function unsigned(value) {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return [...bytes, value];
}

/** The same, signed. */
function signed(value) {
  const bytes = [];
  for (; value > 63; value >>>= 7) bytes.push((value & 127) | 128);
  return [...bytes, value];
}
