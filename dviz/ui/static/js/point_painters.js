// Who puts points onto a canvas: the graphics card, or, where there is none, the processor.
//
// A library was weighed. regl-scatterplot draws into a texture that it reads back and copies: with a
// software renderer that is 10 frames a second at 15,000 points. WebGL in software sets up every point
// as a triangle, 20 ms a frame for them all, whatever their size; writing the pixels takes 3 ms.

const VERTEX = `#version 300 es
in vec2 place; in vec4 colour;
uniform vec2 scale, shift; uniform float size;
out vec4 paint;
void main() {
  gl_Position = vec4(place * scale + shift, 0.0, 1.0);
  gl_PointSize = size;
  paint = vec4(colour.rgb * colour.a, colour.a);
}`;
const FRAGMENT = `#version 300 es
precision highp float;
in vec4 paint; uniform float size; out vec4 pixel;
void main() {
  float inside = (0.5 - distance(gl_PointCoord, vec2(0.5))) * size + 0.5;
  if (inside <= 0.0) discard;
  pixel = paint * min(inside, 1.0);
}`;

const SOFTWARE = /swiftshader|llvmpipe|software|basic render/i;

/** Whether a graphics card draws WebGL 2 here. */
function hasGraphics() {
  const gl = document.createElement("canvas").getContext("webgl2");
  const told = gl?.getExtension("WEBGL_debug_renderer_info");
  const name = told ? gl.getParameter(told.UNMASKED_RENDERER_WEBGL) : "";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return Boolean(gl) && !SOFTWARE.test(name);
}

/** One draw call for all points. */
class GraphicsPainter {
  /** @param {() => void} restored the context was lost and is there again */
  constructor(canvas, restored) {
    Object.assign(this, { kind: "webgl", count: 0 });
    this.gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false });
    this.values = [new Float32Array(0), new Uint8Array(0)];
    this.build();
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => { this.build(); restored(); });
  }

  /** Pixels of the screen a pixel of the page; another after zooming, or on another screen. */
  get fine() { return Math.min(window.devicePixelRatio || 1, 2); }

  build() {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    this.where = Object.fromEntries(
      ["scale", "shift", "size"].map((name) => [name, gl.getUniformLocation(program, name)]));
    this.buffers = [["place", 2, gl.FLOAT, false], ["colour", 4, gl.UNSIGNED_BYTE, true]].map(
      ([name, parts, type, whole]) => {
        const buffer = gl.createBuffer(), at = gl.getAttribLocation(program, name);
        gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
        gl.enableVertexAttribArray(at);
        gl.vertexAttribPointer(at, parts, type, whole, 0, 0);
        return buffer;
      });
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    this.values.forEach((values, buffer) => this.upload(buffer, values));
  }

  upload(buffer, values) {
    const { gl } = this;
    this.values[buffer] = values;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[buffer]);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
  }

  setPlaces(places) { this.count = places.length / 2; this.upload(0, places); }
  setColours(colours) { this.upload(1, colours); }

  /** @param {{width: number, height: number, scale: number, x: number, y: number, size: number, ground: number[]}} view */
  draw({ width, height, scale, x, y, size, ground }) {
    const { gl } = this;
    gl.viewport(0, 0, width, height);
    gl.clearColor(...ground, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform2f(this.where.scale, scale, scale);
    gl.uniform2f(this.where.shift, -scale * x, -scale * y);
    gl.uniform1f(this.where.size, size);
    gl.drawArrays(gl.POINTS, 0, this.count);
  }
}

/** Discs of plain pixels. */
class PixelPainter {
  constructor(canvas) {
    Object.assign(this, { kind: "pixels", fine: 1, context: canvas.getContext("2d") });
    this.setPlaces(new Float32Array(0));
    this.setColours(new Uint8Array(0));
  }

  setPlaces(places) { this.places = places; }
  setColours(colours) { Object.assign(this, { colours, mixed: null }); }

  /** Colours as they look on the ground, red in the lowest byte. */
  mix(ground) {
    const { colours } = this, mixed = new Uint32Array(colours.length / 4);
    for (let n = 0; n < mixed.length; n++) {
      const share = colours[4 * n + 3] / 255;
      const [r, g, b] = [0, 1, 2].map((c) => 255 * ground[c] * (1 - share) + colours[4 * n + c] * share);
      mixed[n] = (255 << 24) | (b << 16) | (g << 8) | r;
    }
    this.mixed = mixed;
  }

  draw({ width, height, scale, x, y, size, ground }) {
    if (!this.mixed) this.mix(ground);
    if (this.image?.width !== width || this.image.height !== height) {
      this.image = this.context.createImageData(width, height);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    const { places, pixels, mixed } = this, [r, g, b] = ground.map((part) => Math.round(255 * part));
    pixels.fill((255 << 24) | (b << 16) | (g << 8) | r);
    const disc = discOf(size, width), edge = Math.ceil(size / 2);
    const across = (scale * width) / 2, up = (scale * height) / 2;
    const left = width / 2 - across * x, top = height / 2 + up * y;
    const { colours } = this;
    for (const whole of [false, true]) { // what stands out is not painted over
      for (let n = 0; n < mixed.length; n++) {
        if ((colours[4 * n + 3] > 127) !== whole) continue;
        const column = Math.round(left + across * places[2 * n]), row = Math.round(top - up * places[2 * n + 1]);
        if (column < edge || row < edge || column >= width - edge || row >= height - edge) continue;
        const at = row * width + column, colour = mixed[n];
        for (let k = 0; k < disc.length; k++) pixels[at + disc[k]] = colour;
      }
    }
    this.context.putImageData(this.image, 0, 0);
  }
}

/** Where the pixels of a disc lie from its middle, in an image of that width. */
function discOf(size, width) {
  const reach = size / 2, whole = Math.floor(reach), places = [];
  for (let row = -whole; row <= whole; row++) {
    for (let column = -whole; column <= whole; column++) {
      if (Math.hypot(row, column) <= reach) places.push(row * width + column);
    }
  }
  return Int32Array.from(places);
}
