// Who paints the pictures of a checkpoint, and how they get onto the page.

// From no change to full change: dark to bright, told apart with any colour vision.
const HEAT = [[8, 8, 20], [80, 18, 123], [182, 54, 121], [251, 136, 97], [252, 253, 191]];
const LONG = 8; // milliseconds at a stretch
const FULL_HEAT = 128; // of 255; a larger change is as bright

const fetched = new Map(); // digest to a promise of a Decoder

/**
 * The decoder at an address, fetched and built once for all checkpoints that share it.
 * @param {{url: string, digest: string}} address
 * @returns {Promise<Decoder>}
 */
function fetchDecoder(address) {
  if (!fetched.has(address.digest)) {
    const root = (window.gradio_config?.root || window.location.origin).replace(/\/$/, "");
    const building = fetch(`${root}/${address.url}`).then(async (reply) => {
      if (!reply.ok) throw new Error(`no weights: ${reply.status}`);
      return new Decoder(address, await reply.arrayBuffer());
    });
    building.catch(() => fetched.delete(address.digest)); // the next one may try again
    fetched.set(address.digest, building);
  }
  return fetched.get(address.digest);
}

/** Paints one checkpoint's pictures: here where its decoder can be had, on the server otherwise. */
class Painter {
  constructor({ key, decoder }) {
    this.key = key;
    this.address = decoder;
    this.decoder = null;
    this.ready = decoder ? fetchDecoder(decoder).then((d) => { this.decoder = d; }, () => {}) : null;
  }

  /**
   * @param {number[][]} codes (N, D)
   * @returns {Promise<ImageData[]>} rejected with a sentence for people
   */
  async paint(codes) {
    if (this.decoder) return this.paintHere(codes);
    const reply = await server.pictures({ checkpoint: this.key, codes });
    if (!reply) throw new Error("The connection is lost; the picture no longer follows.");
    if (reply.error) throw new Error(reply.error);
    return cut(await load(reply.pictures), codes.length);
  }

  /** A large decoder lets the page do something else between two pictures. */
  async paintHere(codes) {
    const pictures = [];
    for (let began = performance.now(); pictures.length < codes.length;) {
      if (performance.now() - began > LONG) {
        await breathe();
        began = performance.now();
      }
      pictures.push(this.decoder.decode(codes[pictures.length]));
    }
    return pictures;
  }
}

/** An image from its address. */
async function load(source) {
  const image = new Image();
  image.src = source;
  await image.decode();
  return image;
}

/** `count` pictures of 64 × 64 that stand side by side in one image. */
function cut(image, count) {
  const canvas = Object.assign(document.createElement("canvas"), { width: SIDE * count, height: SIDE });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return Array.from({ length: count }, (_, n) => context.getImageData(n * SIDE, 0, SIDE, SIDE));
}

/** Put a picture on a canvas, at a place counted in pictures. */
function put(canvas, picture, column = 0, row = 0) {
  canvas.getContext("2d").putImageData(picture, column * SIDE, row * SIDE);
  canvas.dataset.painted = Number(canvas.dataset.painted || 0) + 1;
}

/**
 * Where two pictures differ: the mean of the three channels' differences in false colours.
 * @returns {{picture: ImageData, mean: number}} and the mean difference in [0, 1]
 */
function difference(one, other) {
  const picture = new ImageData(SIDE, SIDE);
  let sum = 0;
  for (let i = 0; i < picture.data.length; i += 4) {
    const [r, g, b] = [0, 1, 2].map((c) => Math.abs(one.data[i + c] - other.data[i + c]));
    const change = (r + g + b) / 3;
    sum += change;
    picture.data.set(HEAT_TABLE[Math.round(change)], i);
  }
  return { picture, mean: sum / (255 * SIDE * SIDE) };
}

const HEAT_TABLE = Array.from({ length: 256 }, (_, change) => {
  const place = Math.min(change / FULL_HEAT, 1) * (HEAT.length - 1);
  const from = Math.min(Math.floor(place), HEAT.length - 2), part = place - from;
  return [...HEAT[from].map((low, c) => low + part * (HEAT[from + 1][c] - low)), 255];
});

/** Let the page do what else there is before going on. */
function breathe() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => { port1.close(); resolve(); };
    port2.postMessage(null);
  });
}
