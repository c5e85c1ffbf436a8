// What a page shows, kept in its address so that every view can be shared: `window.dviz`.
//
// This is the one mechanism. A view is a few names with a text each, the address's query:
//   checkpoint, tab                 what the page's head shows
//   z, range, axes                  Traverse: the code, the span of its sliders, the two of the pad
//   alpha, pooling, dataset, …      whatever a tab binds with `Address.bind` (ui/parts/address.py)
// What stands at its default is not in the address. A part of the page in JavaScript
//   reads   dviz.read().name                        when it is shown,
//   writes  dviz.write({ name: text or null })      while something is dragged: the view changes,
//           dviz.write({ … }, { push: true })       where somebody chose: Back returns from there,
//   hears   dviz.follow((view) => …)                after Back and Forward,
//   opens   dviz.go({ tab, … })                     another view, as `<a href="?tab=…">` does,
//           dviz.offer(start)                       the sliders on a start,
//   and names what means nothing for another checkpoint: dviz.ofCheckpoint("z", …).
// A part in Python binds its component and does nothing else.
window.dviz = (() => {
  const PAUSE = 300; // milliseconds; browsers refuse to rewrite the address many times a second
  const followers = new Set(), bound = new Set();
  let waiting = null, changes = {};
  let offered = null; // the start that was handed over last, and the code it has come to since

  /** @returns {Object<string, string>} the view, with what is yet to be written */
  const read = () => apply(Object.fromEntries(new URLSearchParams(window.location.search)), changes);

  function apply(view, news) {
    for (const [name, value] of Object.entries(news)) {
      if (value === null) delete view[name];
      else view[name] = String(value);
    }
    return view;
  }

  /** The address of a view, relative to this server. */
  function address(view) {
    const search = new URLSearchParams(view).toString().replaceAll("%2C", ",");
    return window.location.pathname + (search && `?${search}`);
  }

  /**
   * @param {Object<string, string | number | null>} news by name; null takes a name away
   * @param {{push?: boolean}} how push: whether Back is to return to what was before
   */
  function write(news, { push = false } = {}) {
    if (offered && "z" in news && read().z === offered.z) offered.z = news.z; // sliders moved from it
    if (!push) {
      Object.assign(changes, news);
      waiting ??= setTimeout(flush, PAUSE);
      return;
    }
    flush();
    const before = address(read()), after = address(apply(read(), news));
    if (after !== before) window.history.pushState(window.history.state, "", after);
  }

  function flush() {
    clearTimeout(waiting);
    waiting = null;
    const after = address(read());
    changes = {};
    if (after !== window.location.pathname + window.location.search) {
      window.history.replaceState(window.history.state, "", after);
    }
  }

  /** Tell `follower` the view after every step Back or Forward. */
  function follow(follower) {
    followers.add(follower);
  }

  /** Names that go from the address with the checkpoint that they are of. */
  function ofCheckpoint(...names) {
    for (const name of names) bound.add(name);
  }

  const gone = () => Object.fromEntries([...bound].map((name) => [name, null]));

  /**
   * A checkpoint is shown; if the address names another, somebody chose it, and Back leads out.
   * @param {string} usual the one that an address without any means
   */
  function choose(checkpoint, usual) {
    if ((read().checkpoint ?? usual) === checkpoint) return;
    write({ ...gone(), checkpoint: checkpoint === usual ? null : checkpoint }, { push: true });
  }

  /** @returns {string} the whole address of the view */
  const link = () => window.location.origin + address(read());

  /** Show another view, as a link does: only what is named changes, and Back returns. */
  function go(news) {
    write(news, { push: true });
    for (const follower of followers) follower(read());
  }

  /** A code as addresses hold it. */
  const zOf = (code) => code.map((value) => String(Number(value.toFixed(4)))).join(",");

  /**
   * Open the sliders on a start: its code, and what comes with it while the address follows it.
   * @param {{checkpoint: string, code: number[]}} start
   */
  function offer(start) {
    const z = zOf(start.code);
    write({ tab: "traverse", checkpoint: start.checkpoint, z }, { push: true });
    offered = { ...start, z };
    for (const follower of followers) follower(read());
  }

  /** @returns {object | null} the start that was offered, if the view is still of it */
  function taken(checkpoint) {
    return offered?.checkpoint === checkpoint && read().z === offered.z ? offered : null;
  }

  /**
   * The page is set up from its address. The tab that it names now opens: whoever opened one
   * meanwhile has changed that. A checkpoint that there is none of is no longer named.
   * @param {string} checkpoint the one shown
   * @param {string} usual the one that an address without any means, as `usualTab` is the tab
   */
  function arrive(checkpoint, usual, usualTab) {
    const { checkpoint: asked, tab } = read();
    if (asked && asked !== checkpoint) write({ ...gone(), checkpoint: checkpoint === usual ? null : checkpoint });
    document.dispatchEvent(new Event("dviz:arrive"));
    const button = document.getElementById(`tab-${tab ?? usualTab}-button`);
    if (button?.getAttribute("aria-selected") === "false") button.click();
  }

  // Links within the page: `<a href="?tab=…">`, in charts too.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a");
    const to = link?.getAttribute("href") ?? link?.getAttribute("xlink:href");
    if (!to?.startsWith("?") || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(Object.fromEntries(new URLSearchParams(to)));
  });

  window.addEventListener("popstate", () => {
    clearTimeout(waiting);
    waiting = null;
    changes = {};
    for (const follower of followers) follower(read());
  });

  return { read, write, follow, ofCheckpoint, choose, link, go, zOf, offer, taken, arrive };
})();
