// What Gradio's own parts leave unsaid: words it forgot to translate, and a name without a role.
(() => {
  const UNSAID = "[aria-label^='common.'], [title^='common.'], [aria-label='Empty value']:not([role])";

  function say(node) {
    for (const name of ["aria-label", "title"]) {
      const word = node.getAttribute(name)?.match(/^common\.(\w)(\w*)$/);
      if (word) node.setAttribute(name, word[1].toUpperCase() + word[2].replaceAll("_", " "));
    }
    if (node.getAttribute("aria-label") === "Empty value") node.setAttribute("role", "img");
  }

  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      for (const node of addedNodes) {
        if (!(node instanceof Element)) continue;
        if (node.matches(UNSAID)) say(node);
        node.querySelectorAll(UNSAID).forEach(say);
      }
    }
  }).observe(document, { childList: true, subtree: true });
})();
