// Rows that scroll sideways where there is no room for them: what is chosen is in view, and an end
// that hides more is marked, for the style sheet to fade.
(() => {
  const ROWS = ".family-line, #tabs .tab-container, .photo-bar [role=group]";
  const CHOSEN = '[aria-current="true"], [aria-selected="true"], [aria-pressed="true"]';
  const known = new WeakSet();

  function mark(row) {
    const left = row.scrollLeft > 1, right = row.scrollWidth - row.clientWidth - row.scrollLeft > 1;
    const more = [left && "left", right && "right"].filter(Boolean).join(" ");
    if (more) row.dataset.more = more;
    else delete row.dataset.more;
  }

  function show(row) {
    if (!known.has(row)) {
      known.add(row);
      row.addEventListener("scroll", () => mark(row), { passive: true });
      sizes.observe(row);
    }
    const chosen = row.querySelector(CHOSEN);
    if (chosen) {
      const [all, one] = [row, chosen].map((node) => node.getBoundingClientRect());
      row.scrollLeft += one.left - all.left - (all.width - one.width) / 2;
    }
    mark(row);
  }

  const rowsOf = ({ target, addedNodes }) => [
    target.closest?.(ROWS),
    ...[...addedNodes].flatMap((node) => (node instanceof Element
      ? [node.closest(ROWS), ...node.querySelectorAll(ROWS)] : [])),
  ];

  const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => show(target)));
  new MutationObserver((changes) => {
    new Set(changes.flatMap(rowsOf).filter(Boolean)).forEach(show);
  }).observe(document, {
    childList: true, subtree: true, attributeFilter: ["aria-current", "aria-selected"],
  });
})();
