// What Gradio's own parts leave unsaid: words it forgot to translate, a name without a role, and
// which of a button inside a button is meant.
(() => {
  const INNER = ".icon-button .upload-container";
  const UNSAID = "[aria-label^='common.'], [title^='common.'], [aria-label='Empty value']:not([role])";

  function say(node) {
    for (const name of ["aria-label", "title"]) {
      const word = node.getAttribute(name)?.match(/^common\.(\w)(\w*)$/);
      if (word) node.setAttribute(name, word[1].toUpperCase() + word[2].replaceAll("_", " "));
    }
    if (node.getAttribute("aria-label") === "Empty value") node.setAttribute("role", "img");
  }

  // Nobody can tell two buttons in one place apart: the outer one does what the inner one does.
  function join(inner) {
    const outer = inner.closest(".icon-button");
    inner.style.display = "none";
    outer.addEventListener("click", ({ target }) => {
      if (!inner.contains(target)) inner.click();
    });
  }

  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      for (const node of addedNodes) {
        if (!(node instanceof Element)) continue;
        if (node.matches(UNSAID)) say(node);
        node.querySelectorAll(UNSAID).forEach(say);
        if (node.matches(INNER)) join(node);
        node.querySelectorAll(INNER).forEach(join);
      }
    }
  }).observe(document, { childList: true, subtree: true });
})();
