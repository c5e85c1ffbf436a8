// A cloud of points: drawn, moved, asked for the point at a place and those in a lasso.
//
// Points are searched one by one, which for 45,000 takes a fraction of a millisecond.

const MARGIN = 0.94; // of the canvas, what the cloud fills at first
const MAX_ZOOM = 60, MIN_ZOOM = 0.5;

class Scatter {
  /**
   * @param {HTMLCanvasElement} canvas filled with points; its size follows the style sheet
   * @param {() => void} moved the points have been drawn elsewhere
   */
  constructor(canvas, moved) {
    Object.assign(this, { canvas, moved, count: 0, size: 4, ground: [1, 1, 1], waiting: false });
    this.places = new Float32Array(0); // x, y of every point, the cloud within -1 to 1
    this.painter = hasGraphics() ? new GraphicsPainter(canvas, () => this.draw()) : new PixelPainter(canvas);
    this.reset();
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /** @param {Float32Array} places x, y of every point, the cloud within -1 to 1 */
  setPlaces(places) {
    this.places = places;
    this.count = places.length / 2;
    this.size = this.count > 20_000 ? 3.5 : this.count > 4_000 ? 4.5 : 7;
    this.painter.setPlaces(places);
    this.draw();
  }

  /** @param {Uint8Array} colours red, green, blue, opacity of every point */
  setColours(colours) {
    this.painter.setColours(colours);
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
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.drawNow(); });
  }

  drawNow() {
    const { canvas, painter, x, y, ground } = this, { fine } = painter;
    const [width, height] = [this.width, this.height].map((side) => Math.round(side * fine));
    if (!width || !height) return;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const size = this.size * fine * Math.min(this.zoom ** 0.35, 2.5);
    painter.draw({ width, height, scale: MARGIN * this.zoom, x, y, size, ground });
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
