// The traversal panel in the page. `element`, `props`, `server` and `watch` come from gr.HTML.
const find = (selector) => element.querySelector(selector);
const picture = find(".now img");
const problem = find(".problem");

let view = null; // the value that Python sent
let code = []; // where the sliders stand

const request = () => ({ checkpoint: view.checkpoint, code });

function complain(text) {
  problem.textContent = text;
  problem.hidden = !text;
}

// One request at a time; what changed while it was under way is sent once it is back.
function latest(ask, show) {
  let busy = false, again = false;
  return async () => {
    if (busy) { again = true; return; }
    busy = true;
    do {
      again = false;
      const asked = view;
      const reply = await ask(request());
      if (asked !== view) continue;
      complain(reply ? reply.error || "" : "The connection is lost; the picture no longer follows.");
      if (reply && !reply.error) show(reply);
    } while (again);
    busy = false;
  };
}

const refreshPicture = latest((r) => server.picture(r), (reply) => { picture.src = reply.picture; });
const refreshGrid = latest((r) => server.grid(r), (reply) => {
  element.querySelectorAll(".strips img").forEach((image, row) => { image.src = reply.strips[row]; });
});

function make(tag, className, text) {
  const node = document.createElement(tag);
  node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function title(dimension) {
  const node = make("span", "title");
  node.append(make("b", "", dimension.name));
  for (const [factor, strength] of dimension.factors) {
    const part = make("span", "factor", `${factor} `);
    part.append(make("small", "", strength.toFixed(2)));
    node.append(part);
  }
  if (!dimension.factors.length) {
    const mixture = dimension.mixture.join(", ");
    node.append(make("span", "none", mixture ? `mixes ${mixture}` : "no factor of its own"));
  }
  return node;
}

function dial(dimension) {
  const row = make("label", "dial");
  const input = Object.assign(make("input", ""), {
    type: "range", min: dimension.low, max: dimension.high, step: 0.01,
    value: code[dimension.index],
  });
  input.setAttribute("aria-label", dimension.label);
  input.dataset.dimension = dimension.index;
  const number = make("output", "", code[dimension.index].toFixed(2));
  input.addEventListener("input", () => {
    code[dimension.index] = Number(input.value);
    number.textContent = code[dimension.index].toFixed(2);
    refreshPicture();
  });
  input.addEventListener("change", refreshGrid);
  row.append(title(dimension), input, number);
  return row;
}

function stripRow(dimension) {
  const row = make("div", "strip");
  const image = make("img", "");
  image.alt = `${dimension.label}: ${view.steps} images from ${dimension.low.toFixed(1)} to ` +
    dimension.high.toFixed(1);
  row.append(title(dimension), image);
  return row;
}

function drawDials() {
  const [active, inactive] = element.querySelectorAll(".dial-list");
  active.replaceChildren(...view.sliders.map(dial));
  inactive.replaceChildren(...view.inactive.map(dial));
  find(".inactive").hidden = !view.inactive.length;
  find(".inactive summary").textContent =
    `${view.inactive.length} inactive dimension${view.inactive.length > 1 ? "s" : ""}`;
}

function draw() {
  view = props.value;
  if (!view || !view.checkpoint) return;
  code = [...view.code];
  complain("");
  picture.src = view.picture;
  find(".caption").textContent = view.caption;
  find(".original").hidden = !view.original;
  if (view.original) find(".original img").src = view.original;
  drawDials();
  find(".strips").replaceChildren(...view.sliders.map(stripRow));
  refreshGrid();
}

find(".reset").addEventListener("click", draw);
watch("value", draw);
draw();
