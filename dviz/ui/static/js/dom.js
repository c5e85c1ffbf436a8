// What every component of ours builds its inside with.

function make(tag, className = "", text = undefined, attributes = {}) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

/** Whether nothing may move by itself. */
const motionless = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
