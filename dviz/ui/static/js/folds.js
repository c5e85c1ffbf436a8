// Folds keep what a reader did to them when what is around them is painted anew.
//
// A fold is told by its place, the nearest element above it with an id, and its summary's words; by
// their order where several are alike. What a reader never touched stays as it was painted.
(() => {
  const touched = new Map();

  /** Where a fold stands: the same before and after a painting. */
  function placeOf(fold) {
    const room = fold.parentElement?.closest("[id]");
    const words = wordsOf(fold);
    const alike = [...(room ?? document).querySelectorAll("details")].filter((f) => wordsOf(f) === words);
    return `${room?.id ?? ""}/${words}/${alike.indexOf(fold)}`;
  }

  const wordsOf = (fold) => fold.querySelector(":scope > summary")?.textContent.trim() ?? "";

  function repair(fold) {
    const open = touched.get(placeOf(fold));
    if (open !== undefined && fold.open !== open) fold.open = open;
  }

  /** What a painting may have opened or closed: folds that it changed, and those that it brought. */
  function foldsOf({ type, target, addedNodes }) {
    if (type === "attributes") return target instanceof HTMLDetailsElement ? [target] : [];
    const brought = [...addedNodes].filter((node) => node instanceof Element);
    return brought.flatMap((node) =>
      [...(node.matches("details") ? [node] : []), ...node.querySelectorAll("details")]);
  }

  // A press opens or closes a fold after its listeners, so what it was is what it will not be.
  document.addEventListener("click", (event) => {
    const fold = event.target.closest?.("summary")?.parentElement;
    if (fold instanceof HTMLDetailsElement && !event.defaultPrevented) {
      touched.set(placeOf(fold), !fold.open);
    }
  });
  new MutationObserver((changes) => {
    if (touched.size) changes.flatMap(foldsOf).forEach(repair);
  }).observe(document, { childList: true, subtree: true, attributeFilter: ["open"] });
})();
