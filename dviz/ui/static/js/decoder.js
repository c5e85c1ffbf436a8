// The decoder in the page: codes to 64 × 64 images, in plain JavaScript.
//
// Maps are channels-last with a border of zeros, (side + 2, side + 2, channels), so that what an
// output pixel reads of an input row is one contiguous run. Channels are filled up to a multiple of
// four, so that loops take four outputs at once without a rest. Everything is float64: the engine
// need not convert, and the sums are better than float32.

const SLOPE = 0.02; // of the LeakyReLU
const SIDE = 64;
const upToFour = (channels) => Math.ceil(channels / 4) * 4;

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
   * @param {(place: number) => number} source which output of the weights stands at a place
   */
  constructor(weight, bias, source = (place) => place) {
    this.inputs = weight.length / bias.length;
    this.weight = new Float64Array(weight.length);
    this.out = new Float64Array(bias.length);
    this.bias = bias.map((_, place) => bias[source(place)]);
    for (let place = 0; place < bias.length; place++) {
      const from = source(place) * this.inputs;
      this.weight.set(weight.subarray(from, from + this.inputs), place * this.inputs);
    }
  }

  /** @returns {Float64Array} (outputs,) of x (inputs,), activated */
  run(x) {
    const { inputs, weight, bias, out } = this;
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
      out[o] = leaky(a);
      out[o + 1] = leaky(b);
      out[o + 2] = leaky(c);
      out[o + 3] = leaky(d);
    }
    return out;
  }
}

const leaky = (value) => (value < 0 ? SLOPE * value : value);

/**
 * A transposed convolution, 4 × 4 with stride 2 and padding 1: twice the side.
 *
 * Output rows of each parity, and columns likewise, read 2 × 2 input pixels through weights of
 * their own: of the four rows of the kernel even outputs use 3 and 1, odd ones 2 and 0.
 */
class Up {
  /**
   * @param {Float64Array} weight (inputs, outputs, 4, 4)
   * @param {Float64Array} bias (outputs,)
   * @param {number} side of the input
   * @param {boolean} activated whether a LeakyReLU follows
   */
  constructor(weight, bias, side, activated) {
    const outputs = bias.length, inputs = weight.length / outputs / 16;
    Object.assign(this, { side, activated, inputs: upToFour(inputs), outputs: upToFour(outputs) });
    this.bias = new Float64Array(this.outputs);
    this.bias.set(bias);
    this.weight = this.arrange(weight, inputs, outputs);
    this.out = new Float64Array((2 * side + 2) ** 2 * this.outputs);
  }

  /** To (row parity, column parity, outputs / 4, row, column · inputs, 4), as `quad` reads it. */
  arrange(weight, inputs, outputs) {
    const arranged = new Float64Array(16 * this.inputs * this.outputs);
    for (let place = 0; place < 16; place++) {
      const [down, right, row, column] = [8, 4, 2, 1].map((bit) => (place & bit ? 1 : 0));
      const ky = 3 - down - 2 * row, kx = 3 - right - 2 * column;
      for (let o = 0; o < outputs; o++) {
        const block = ((2 * down + right) * this.outputs) / 4 + (o >> 2);
        const start = ((block * 2 + row) * 2 + column) * this.inputs;
        for (let i = 0; i < inputs; i++) {
          arranged[(start + i) * 4 + (o & 3)] = weight[(i * outputs + o) * 16 + 4 * ky + kx];
        }
      }
    }
    return arranged;
  }

  /** @returns {Float64Array} (2 side + 2, 2 side + 2, outputs) of x (side + 2, side + 2, inputs) */
  run(x) {
    for (let parity = 0; parity < 4; parity++) {
      for (let o = 0; o < this.outputs; o += 4) {
        for (let row = 0; row < this.side; row++) this.quads(x, parity >> 1, parity & 1, row, o);
      }
    }
    return this.out;
  }

  /** Four channels, from `o` on, of every second pixel of an output row, two pixels at a time. */
  quads(x, down, right, row, o) {
    const { side, inputs, outputs, weight, bias, out } = this;
    const run = 2 * inputs, width = side + 2;
    const block = ((2 * down + right) * outputs + o) * run * 2;
    const bias0 = bias[o], bias1 = bias[o + 1], bias2 = bias[o + 2], bias3 = bias[o + 3];
    for (let column = 0; column < side; column += 2) {
      let a0 = bias0, a1 = bias1, a2 = bias2, a3 = bias3;
      let b0 = bias0, b1 = bias1, b2 = bias2, b3 = bias3;
      let w = block;
      for (let tap = 0; tap < 2; tap++) {
        let from = ((row + down + tap) * width + column + right) * inputs;
        for (const end = from + run; from < end; from++, w += 4) {
          const a = x[from], b = x[from + inputs];
          const w0 = weight[w], w1 = weight[w + 1], w2 = weight[w + 2], w3 = weight[w + 3];
          a0 += a * w0; a1 += a * w1; a2 += a * w2; a3 += a * w3;
          b0 += b * w0; b1 += b * w1; b2 += b * w2; b3 += b * w3;
        }
      }
      const to = ((2 * row + down + 1) * (2 * side + 2) + 2 * column + right + 1) * outputs + o;
      this.put(to, a0, a1, a2, a3);
      this.put(to + 2 * outputs, b0, b1, b2, b3);
    }
  }

  put(to, a, b, c, d) {
    const { out, activated } = this;
    out[to] = activated ? leaky(a) : a;
    out[to + 1] = activated ? leaky(b) : b;
    out[to + 2] = activated ? leaky(c) : c;
    out[to + 3] = activated ? leaky(d) : d;
  }
}

/** Codes to images, through weights as `dviz.ui.core.weights` packs them. */
class Decoder {
  /**
   * @param {{filters: number, latent_size: number, hidden: number, recolour: boolean}} shape
   * @param {ArrayBuffer} buffer weights and biases, float32 and then float16
   */
  constructor({ filters: n, latent_size: latent, hidden, recolour }, buffer) {
    const inputs = hidden || latent, large = 64 * n * inputs;
    const small = new Float32Array(buffer.slice(0, buffer.byteLength - 2 * large));
    const take = reader(Float64Array.from(small));
    this.hidden = hidden ? new Linear(take(hidden * latent), take(hidden)) : null;
    const spread = fromHalf(new Uint16Array(buffer, small.byteLength));
    this.start = new Linear(spread, take(64 * n), (place) => (place % n) * 64 + (place / n | 0));
    this.filters = n;
    this.maps = new Float64Array(10 * 10 * n);
    this.ups = [[n, n / 2], [n / 2, n / 4], [n / 4, 3]].map(([from, to], step) =>
      new Up(take(from * to * 16), take(to), 8 << step, step < 2));
    this.colours = recolour ? { weight: take(9), offset: take(3) } : null;
    take.end();
  }

  /**
   * @param {ArrayLike<number>} code (D,)
   * @returns {ImageData} 64 × 64
   */
  decode(code) {
    const rows = this.start.run(this.hidden ? this.hidden.run(code) : code);
    const width = 8 * this.filters; // of a row of maps
    for (let row = 0; row < 8; row++) {
      const to = ((row + 1) * 10 + 1) * this.filters;
      this.maps.set(rows.subarray(row * width, (row + 1) * width), to);
    }
    return toImage(this.ups.reduce((x, up) => up.run(x), this.maps), this.colours);
  }
}

/**
 * Logits (66, 66, 4) with a border, to pixels.
 * @param {{weight: Float64Array, offset: Float64Array} | null} colours an affine map of them, (3, 3)
 *     and (3,)
 */
function toImage(logits, colours) {
  const image = new ImageData(SIDE, SIDE);
  const pixels = image.data; // rounds and clips by itself
  const show = (logit) => 255 / (1 + Math.exp(-logit));
  for (let row = 0, to = 0; row < SIDE; row++) {
    let from = ((row + 1) * (SIDE + 2) + 1) * 4;
    for (let column = 0; column < SIDE; column++, from += 4, to += 4) {
      const r = show(logits[from]), g = show(logits[from + 1]), b = show(logits[from + 2]);
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
