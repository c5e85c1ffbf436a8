// What a mouse, fingers and keys do on the map.

const STILL = 5; // pixels that a click may slip
const KEY_STEP = 12, KEY_STRIDE = 60; // pixels, the latter with Shift
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * @param {HTMLElement} surface
 * @param {() => string} tool "move", "lasso" or "path"
 * @param {object} on panned(dx, dy), zoomed(factor, x, y), pointed(x, y), left(), clicked(x, y),
 *   drawing(corners), drawn(corners), broken() off a drawing, cancelled(); in pixels of the surface
 */
function wireGestures(surface, tool, on) {
  const fingers = new Map(); // where each pointer is
  let corners = null, start = null, slipped = false;

  const at = (event) => {
    const box = surface.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const lassoes = (event) => tool() === "lasso" || (event.shiftKey && event.pointerType !== "touch");

  surface.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    surface.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, at(event));
    start = at(event);
    slipped = fingers.size > 1;
    if (corners) on.broken(); // by a second finger
    corners = lassoes(event) && fingers.size === 1 ? [start] : null;
  });

  surface.addEventListener("pointermove", (event) => {
    const here = at(event), before = fingers.get(event.pointerId);
    if (!before) return event.pointerType !== "touch" && on.pointed(...here);
    if (start && Math.hypot(here[0] - start[0], here[1] - start[1]) > STILL) slipped = true;
    if (fingers.size === 2) pinch(event.pointerId, here);
    else if (corners) {
      corners = [...corners, here];
      if (slipped) on.drawing(corners);
    }
    else if (slipped) on.panned(here[0] - before[0], here[1] - before[1]);
    if (slipped || corners) fingers.set(event.pointerId, here);
  });

  function pinch(moved, here) {
    const [other] = [...fingers].filter(([id]) => id !== moved).map(([, place]) => place);
    const before = fingers.get(moved);
    const distance = (place) => Math.hypot(place[0] - other[0], place[1] - other[1]) || 1;
    on.panned((here[0] - before[0]) / 2, (here[1] - before[1]) / 2);
    on.zoomed(distance(here) / distance(before), (here[0] + other[0]) / 2, (here[1] + other[1]) / 2);
    corners = null;
  }

  surface.addEventListener("pointerup", (event) => {
    if (!fingers.delete(event.pointerId) || fingers.size) return;
    if (!slipped) on.clicked(...at(event));
    else if (corners) on.drawn(corners);
    corners = start = null;
  });
  surface.addEventListener("pointercancel", (event) => {
    fingers.delete(event.pointerId);
    corners = start = null;
    on.cancelled();
  });
  surface.addEventListener("pointerleave", () => { if (!fingers.size) on.left(); });
  surface.addEventListener("wheel", (event) => {
    event.preventDefault();
    on.zoomed(Math.exp(-clamp(event.deltaY, -120, 120) / 400), ...at(event));
  }, { passive: false });
  wireKeys(surface, on);
}

/** Arrow keys move a cross hair, Enter clicks there, plus and minus zoom about it. */
function wireKeys(surface, on) {
  let x = null, y = null;
  surface.addEventListener("keydown", (event) => {
    if (isShortcut(event)) return;
    x ??= surface.clientWidth / 2;
    y ??= surface.clientHeight / 2;
    const step = STEPS[event.key], stride = event.shiftKey ? KEY_STRIDE : KEY_STEP;
    if (step) {
      const [wantX, wantY] = [x + stride * step[0], y + stride * step[1]];
      x = clamp(wantX, 0, surface.clientWidth);
      y = clamp(wantY, 0, surface.clientHeight);
      if (x !== wantX || y !== wantY) on.panned(x - wantX, y - wantY);
      on.pointed(x, y);
    } else if (event.key === "+" || event.key === "=") on.zoomed(1.25, x, y);
    else if (event.key === "-") on.zoomed(0.8, x, y);
    else if (event.key === "Enter" || event.key === " ") on.clicked(x, y);
    else if (event.key === "Escape") on.cancelled();
    else return;
    event.preventDefault();
  });
  surface.addEventListener("blur", () => { x = y = null; on.left(); });
}
