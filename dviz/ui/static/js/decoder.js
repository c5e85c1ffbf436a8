// The decoder in the page: codes to 64 × 64 images.
//
// Maps are channels-last with a border of zeros, (side + 2, side + 2, channels), so that what an
// output pixel reads of an input row is one contiguous run. Channels are filled up to a multiple of
// four, so that loops take four outputs at once without a rest (see simd.js). All maps and weights
// of transposed convolutions lie in one run of numbers, an engine's values.

const SLOPE = 0.02; // of the LeakyReLU
const SIDE = 64;
const FRAMES = 8; // rows of coordinates beside the maps of a modulated decoder
const upToFour = (channels) => Math.ceil(channels / 4) * 4;
const leaky = (value) => (value < 0 ? SLOPE * value : value);
const silu = (value) => value / (1 + Math.exp(-value));
const same = (value) => value;

/**
 * Half-precision numbers as float64.
 * @param {Uint16Array} bits (N,)
 * @returns {Float64Array} (N,)
 */
function fromHalf(bits) {
  const table = new Float64Array(1 << 16);
  for (let h = 0; h < table.length; h++) {
    const exponent = (h >> 10) & 31, fraction = h & 1023;
    const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction;
    table[h] = h & 0x8000 ? -size : size;
  }
  const values = new Float64Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = table[bits[i]];
  return values;
}

/** A fully connected layer whose outputs, a multiple of four, may be put in another order. */
class Linear {
  /**
   * @param {Float64Array} weight (outputs, inputs)
   * @param {Float64Array} bias (outputs,)
   * @param {(value: number) => number} activation
   * @param {(place: number) => number} source which output of the weights stands at a place
   */
  constructor(weight, bias, activation, source = same) {
    this.inputs = weight.length / bias.length;
    this.activation = activation;
    const outputs = upToFour(bias.length);
    this.weight = new Float64Array(outputs * this.inputs);
    this.out = new Float64Array(outputs);
    this.bias = new Float64Array(outputs);
    for (let place = 0; place < bias.length; place++) {
      const from = source(place) * this.inputs;
      this.bias[place] = bias[source(place)];
      this.weight.set(weight.subarray(from, from + this.inputs), place * this.inputs);
    }
  }

  /** @returns {Float64Array} (outputs,) of x (inputs,), activated */
  run(x) {
    const { inputs, weight, bias, out, activation } = this;
    for (let o = 0; o < out.length; o += 4) {
      let a = bias[o], b = bias[o + 1], c = bias[o + 2], d = bias[o + 3];
      let w = o * inputs;
      const second = inputs, third = 2 * inputs, fourth = 3 * inputs;
      for (let i = 0; i < inputs; i++, w++) {
        const value = x[i];
        a += value * weight[w];
        b += value * weight[w + second];
        c += value * weight[w + third];
        d += value * weight[w + fourth];
      }
      out[o] = activation(a);
      out[o + 1] = activation(b);
      out[o + 2] = activation(c);
      out[o + 3] = activation(d);
    }
    return out;
  }
}

/** Places in an engine's values, given out before there is one, and the loops it has to have. */
class Plan {
  constructor() {
    this.size = 0;
    this.shapes = [];
  }

  /** @returns {number} the first of `length` places */
  reserve(length) {
    this.size += upToFour(length);
    return this.size - upToFour(length);
  }

  /** Feature maps (side, side, channels) with a border. */
  maps(side, channels) {
    const at = this.reserve((side + 2) ** 2 * channels);
    return { side, channels, at, row: (y) => at + ((y + 1) * (side + 2) + 1) * channels };
  }
}

/**
 * A transposed convolution, 4 × 4 with stride 2 and padding 1: twice the side.
 *
 * Output rows of each parity, and columns likewise, read 2 × 2 input pixels through weights of
 * their own: of the four rows of the kernel even outputs use 3 and 1, odd ones 2 and 0.
 */
class Up {
  /**
   * @param {Plan} plan
   * @param {Float64Array} weight (inputs, outputs, 4, 4)
   * @param {Float64Array} bias (outputs,)
   * @param {object} from maps of the plan, to read
   * @param {object} to maps of twice their side, to write; they may have room for more channels
   */
  constructor(plan, weight, bias, from, to) {
    const outputs = upToFour(bias.length), quads = outputs % 8 ? 1 : 2;
    const length = 2 * from.channels, tapStep = (from.side + 2) * from.channels;
    Object.assign(this, { weight, bias, from, to, outputs, quads });
    this.weights = plan.reserve(16 * from.channels * outputs);
    this.biases = plan.reserve(outputs);
    this.loop = plan.shapes.length;
    plan.shapes.push({
      quads, taps: 2, tapStep, length, xStep: from.channels, outStep: 2 * to.channels,
    });
  }

  /** Copy the weights to (row parity, column parity, group of outputs, row, column · inputs, outputs). */
  fill(values) {
    const { weight, bias, outputs, quads, weights } = this;
    const channels = this.from.channels, inputs = weight.length / bias.length / 16;
    const group = 4 * quads;
    values.set(bias, this.biases);
    for (let place = 0; place < 16; place++) {
      const [down, right, row, column] = [8, 4, 2, 1].map((bit) => (place & bit ? 1 : 0));
      const ky = 3 - down - 2 * row, kx = 3 - right - 2 * column;
      for (let o = 0; o < bias.length; o++) {
        const block = ((2 * down + right) * outputs) / group + Math.floor(o / group);
        const start = ((block * 2 + row) * 2 + column) * channels;
        for (let i = 0; i < inputs; i++) {
          values[weights + (start + i) * group + (o % group)] =
            weight[(i * bias.length + o) * 16 + 4 * ky + kx];
        }
      }
    }
    this.weight = null; // they may go
  }

  /** @param {{loops: Loop[]}} engine */
  run(engine) {
    const { from, to, outputs, quads, weights, biases } = this;
    const sum = engine.loops[this.loop], group = 4 * quads;
    const block = 4 * from.channels * group;
    for (let parity = 0; parity < 4; parity++) {
      const down = parity >> 1, right = parity & 1;
      for (let o = 0; o < outputs; o += group) {
        const weight = weights + ((parity * outputs + o) / group) * block;
        for (let y = 0; y < from.side; y++) {
          // The row above the first and the pixel before it are the border.
          const x = from.row(y + down - 1) + (right - 1) * from.channels;
          const out = to.row(2 * y + down) + right * to.channels + o;
          sum(x, weight, biases + o, out, from.side);
        }
      }
    }
  }
}

/** The study's decoder: see `dviz.models.decoders.StudyDecoder`. */
class StudyDrawing {
  constructor(plan, { filters: n, latent_size: latent, hidden }, take, spread) {
    this.hidden = hidden ? new Linear(take(hidden * latent), take(hidden), leaky) : null;
    this.start = startLayer(spread, take(64 * n), n, leaky);
    const maps = [n, n / 2, n / 4, 3].map((channels, step) => plan.maps(8 << step, upToFour(channels)));
    this.maps = maps;
    this.ups = [[n, n / 2], [n / 2, n / 4], [n / 4, 3]].map(([from, to], step) =>
      new Up(plan, take(from * to * 16), take(to), maps[step], maps[step + 1]));
  }

  /** Logits of a code (D,) in the last maps. */
  draw(code, engine) {
    const { values } = engine;
    putStart(values, this.maps[0], this.start.run(this.hidden ? this.hidden.run(code) : code));
    for (const up of this.ups) {
      up.run(engine);
      if (up.to.side === SIDE) break;
      const { at, side, channels } = up.to;
      const end = at + (side + 2) ** 2 * channels;
      for (let i = at; i < end; i++) if (values[i] < 0) values[i] *= SLOPE;
    }
  }
}

/** The decoder that the code modulates: see `dviz.models.decoders.ModulatedDecoder`. */
class ModulatedDrawing {
  constructor(plan, { filters: n, latent_size: latent, style }, take) {
    const linear = (inputs, outputs, activation) =>
      new Linear(take(inputs * outputs), take(outputs), activation);
    this.filters = n;
    this.style = [linear(latent, style, silu), linear(style, style, silu)];
    this.frames = linear(style, 3 * FRAMES, same);
    this.start = startLayer(take(64 * n * latent), take(64 * n), n, silu);
    const maps = [8, 16, 32].map((side) => plan.maps(side, n + FRAMES));
    this.maps = [...maps, plan.maps(SIDE, 4)];
    this.ups = [n, n, 3].map((outputs, step) => new Up(
      plan, take((n + FRAMES) * outputs * 16), take(outputs), this.maps[step], this.maps[step + 1]));
    this.modulation = [0, 1].map(() => linear(style, 2 * n, same));
  }

  draw(code, engine) {
    const { values } = engine;
    const style = this.style.reduce((x, layer) => layer.run(x), code);
    const frames = this.frames.run(style);
    putStart(values, this.maps[0], this.start.run(code), this.filters);
    for (const [step, up] of this.ups.entries()) {
      this.putCoordinates(values, up.from, frames);
      up.run(engine);
      if (step < 2) this.modulate(values, up.to, this.modulation[step].run(style));
    }
  }

  /** Where every pixel lies in each frame, x to the right and y down in [−1, 1]. */
  putCoordinates(values, maps, frames) {
    const { side, channels } = maps;
    for (let row = 0; row < side; row++) {
      const y = (2 * row + 1) / side - 1;
      for (let column = 0, to = maps.row(row) + this.filters; column < side; column++, to += channels) {
        const x = (2 * column + 1) / side - 1;
        for (let k = 0; k < FRAMES; k++) {
          values[to + k] = frames[3 * k] * x + frames[3 * k + 1] * y + frames[3 * k + 2];
        }
      }
    }
  }

  /** Scale and shift every channel, then SiLU. */
  modulate(values, maps, by) {
    const { side, channels } = maps, n = this.filters;
    for (let row = 0; row < side; row++) {
      for (let column = 0, to = maps.row(row); column < side; column++, to += channels) {
        for (let c = 0; c < n; c++) {
          const value = values[to + c] * (1 + by[c]) + by[n + c];
          values[to + c] = value / (1 + Math.exp(-value));
        }
      }
    }
  }
}

const DRAWINGS = { study: StudyDrawing, modulated: ModulatedDrawing };

/** The layer to the first maps, whose outputs come channels-last. */
function startLayer(weight, bias, n, activation) {
  return new Linear(weight, bias, activation, (place) => (place % n) * 64 + (place / n | 0));
}

/** Put rows (8 · 8 · n) into maps that may have more channels. */
function putStart(values, maps, rows, n = maps.channels) {
  for (let pixel = 0; pixel < 64; pixel++) {
    const to = maps.row(pixel >> 3) + (pixel & 7) * maps.channels;
    for (let c = 0; c < n; c++) values[to + c] = rows[pixel * n + c];
  }
}

/** Codes to images, through weights as `dviz.ui.core.weights` packs them. */
class Decoder {
  /**
   * @param {{decoder: string, filters: number, latent_size: number, hidden: number, style: number,
   *   recolour: boolean, halves: number}} shape `halves` of the numbers, the last ones, are float16
   * @param {ArrayBuffer} buffer weights and biases, float32 and then float16
   * @param {boolean} plain whether to do without WebAssembly
   */
  constructor(shape, buffer, plain = false) {
    const small = new Float32Array(buffer.slice(0, buffer.byteLength - 2 * shape.halves));
    const take = reader(Float64Array.from(small));
    const spread = fromHalf(new Uint16Array(buffer, small.byteLength));
    const plan = new Plan();
    this.drawing = new DRAWINGS[shape.decoder](plan, shape, take, spread);
    this.colours = shape.recolour ? { weight: take(9), offset: take(3) } : null;
    take.end();
    this.engine = makeEngine(plan.size, plan.shapes, plain);
    for (const up of this.drawing.ups) up.fill(this.engine.values);
  }

  /**
   * @param {ArrayLike<number>} code (D,)
   * @returns {ImageData} 64 × 64
   */
  decode(code) {
    this.drawing.draw(code, this.engine);
    return toImage(this.engine.values, this.drawing.maps.at(-1), this.colours);
  }
}

/**
 * Logits, maps of four channels, to pixels.
 * @param {{weight: Float64Array, offset: Float64Array} | null} colours an affine map of them, (3, 3)
 *     and (3,)
 */
function toImage(values, maps, colours) {
  const image = new ImageData(SIDE, SIDE);
  const pixels = image.data; // rounds and clips by itself
  const show = (logit) => 255 / (1 + Math.exp(-logit));
  for (let row = 0, to = 0; row < SIDE; row++) {
    let from = maps.row(row);
    for (let column = 0; column < SIDE; column++, from += 4, to += 4) {
      const r = show(values[from]), g = show(values[from + 1]), b = show(values[from + 2]);
      if (colours) mix(colours, r, g, b, pixels, to);
      else {
        pixels[to] = r;
        pixels[to + 1] = g;
        pixels[to + 2] = b;
      }
      pixels[to + 3] = 255;
    }
  }
  return image;
}

function mix({ weight, offset }, r, g, b, pixels, to) {
  for (let o = 0; o < 3; o++) {
    const mixed = weight[3 * o] * r + weight[3 * o + 1] * g + weight[3 * o + 2] * b;
    pixels[to + o] = mixed + 255 * offset[o];
  }
}

/** Cuts one array into the pieces asked for, which must use it up. */
function reader(values) {
  let at = 0;
  const take = (length) => values.subarray(at, (at += length));
  take.end = () => {
    if (at !== values.length) throw new RangeError(`${values.length} weights, ${at} expected`);
  };
  return take;
}
