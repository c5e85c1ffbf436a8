// What every component of ours builds its inside with.

function make(tag, className = "", text = undefined, attributes = {}) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

/** Whether a key is the browser's: Back, zoom, and the like. */
const isShortcut = (event) => event.ctrlKey || event.metaKey || event.altKey;

/** Whether nothing may move by itself. */
const motionless = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
