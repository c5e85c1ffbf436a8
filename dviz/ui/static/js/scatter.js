// A cloud of points in WebGL: drawn, moved, asked for the point at a place and those in a lasso.
//
// A library was weighed. regl-scatterplot draws into a texture that it reads back and copies: with a
// software renderer that is 10 frames a second at 15,000 points, where one draw call onto the canvas
// is 60. Points are searched one by one, which for 45,000 takes a fraction of a millisecond.

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
const MARGIN = 0.94; // of the canvas, what the cloud fills at first
const MAX_ZOOM = 60, MIN_ZOOM = 0.5;

class Scatter {
  /**
   * @param {HTMLCanvasElement} canvas filled with points; its size follows the style sheet
   * @param {() => void} moved the points have been drawn elsewhere
   */
  constructor(canvas, moved) {
    Object.assign(this, { canvas, moved, count: 0, size: 4, ground: [1, 1, 1], waiting: false });
    this.gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false });
    if (!this.gl) throw new Error("The map needs WebGL 2, which this browser does not offer.");
    this.places = new Float32Array(0); // x, y of every point, the cloud within -1 to 1
    this.colours = new Uint8Array(0); // red, green, blue, opacity of every point
    this.reset();
    this.build();
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => { this.build(); this.draw(); });
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

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
    this.upload(0, this.places);
    this.upload(1, this.colours);
  }

  upload(buffer, values) {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[buffer]);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
  }

  /** @param {Float32Array} places x, y of every point, the cloud within -1 to 1 */
  setPlaces(places) {
    this.places = places;
    this.count = places.length / 2;
    this.size = this.count > 20_000 ? 3.5 : this.count > 4_000 ? 4.5 : 7;
    this.upload(0, places);
    this.draw();
  }

  /** @param {Uint8Array} colours red, green, blue, opacity of every point */
  setColours(colours) {
    this.colours = colours;
    this.upload(1, colours);
    this.draw();
  }

  /** Back to where the whole cloud shows. */
  reset() {
    Object.assign(this, { zoom: 1, x: 0, y: 0 });
    this.draw();
  }

  get width() { return this.canvas.clientWidth; }
  get height() { return this.canvas.clientHeight; }

  /** Draw in the next frame, however often it is asked for until then. */
  draw() {
    if (this.waiting || !this.buffers) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.drawNow(); });
  }

  drawNow() {
    const { gl, canvas } = this, fine = Math.min(window.devicePixelRatio || 1, 2);
    const [width, height] = [this.width, this.height].map((side) => Math.round(side * fine));
    if (!width || !height) return;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const scale = MARGIN * this.zoom;
    gl.viewport(0, 0, width, height);
    gl.clearColor(...this.ground, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform2f(this.where.scale, scale, scale);
    gl.uniform2f(this.where.shift, -scale * this.x, -scale * this.y);
    gl.uniform1f(this.where.size, this.size * fine * Math.min(this.zoom ** 0.35, 2.5));
    gl.drawArrays(gl.POINTS, 0, this.count);
    this.moved();
  }

  /** Move the cloud along with a pointer, in pixels. */
  pan(right, down) {
    const scale = (MARGIN * this.zoom) / 2;
    this.x = clamp(this.x - right / (scale * this.width), -1.5, 1.5);
    this.y = clamp(this.y + down / (scale * this.height), -1.5, 1.5);
    this.draw();
  }

  /** Zoom about a place on the canvas, in pixels. */
  zoomAt(factor, left, top) {
    const [x, y] = this.placeAt(left, top);
    this.zoom = clamp(this.zoom * factor, MIN_ZOOM, MAX_ZOOM);
    const [newX, newY] = this.placeAt(left, top);
    this.x += x - newX;
    this.y += y - newY;
    this.draw();
  }

  /** Where a place within -1 to 1 shows, in pixels from the upper left corner. */
  pixelOf(x, y) {
    const scale = MARGIN * this.zoom;
    return [((x - this.x) * scale + 1) * this.width / 2, (1 - (y - this.y) * scale) * this.height / 2];
  }

  placeAt(left, top) {
    const scale = MARGIN * this.zoom;
    return [this.x + ((2 * left) / this.width - 1) / scale, this.y + (1 - (2 * top) / this.height) / scale];
  }

  pixelOfPoint(n) { return this.pixelOf(this.places[2 * n], this.places[2 * n + 1]); }

  /** The point nearest to a place in pixels, at most `reach` away; -1 where there is none. */
  nearest(left, top, reach) {
    const { places } = this, [x, y] = this.placeAt(left, top);
    const across = (MARGIN * this.zoom * this.width) / 2, up = (MARGIN * this.zoom * this.height) / 2;
    let best = reach * reach, found = -1;
    for (let n = 0; n < this.count; n++) {
      const dx = (places[2 * n] - x) * across, dy = (places[2 * n + 1] - y) * up;
      const far = dx * dx + dy * dy;
      if (far < best) { best = far; found = n; }
    }
    return found;
  }

  /** @param {number[][]} corners of a polygon, in pixels @returns {number[]} the points within */
  within(corners) {
    const polygon = corners.map(([left, top]) => this.placeAt(left, top));
    const found = [];
    for (let n = 0; n < this.count; n++) {
      if (isInside(polygon, this.places[2 * n], this.places[2 * n + 1])) found.push(n);
    }
    return found;
  }
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** Whether a place lies within a polygon: a ray from it crosses the rim an odd number of times. */
function isInside(polygon, x, y) {
  let inside = false;
  for (let a = 0, b = polygon.length - 1; a < polygon.length; b = a++) {
    const [ax, ay] = polygon[a], [bx, by] = polygon[b];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}
