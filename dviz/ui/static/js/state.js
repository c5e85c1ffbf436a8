// What a page shows, kept in its address so that a view can be shared: `window.dviz`.
window.dviz = (() => {
  const PAUSE = 300; // milliseconds; browsers refuse to rewrite the address many times a second
  let waiting = null, changes = {};

  /** @returns {Object<string, string>} what the address says now, what is yet to be written included */
  function read() {
    const state = Object.fromEntries(new URLSearchParams(window.location.search));
    return apply(state);
  }

  /** @param {Object<string, string | null>} news by name; null takes a name away */
  function write(news) {
    Object.assign(changes, news);
    waiting ??= setTimeout(flush, PAUSE);
  }

  function apply(state) {
    for (const [name, value] of Object.entries(changes)) {
      if (value === null) delete state[name];
      else state[name] = value;
    }
    return state;
  }

  function flush() {
    const search = new URLSearchParams(read()).toString().replaceAll("%2C", ",");
    changes = {};
    waiting = null;
    const { pathname, hash } = window.location;
    window.history.replaceState(window.history.state, "", pathname + (search && `?${search}`) + hash);
  }

  let offered = null;

  /** Hand the sliders a start of a checkpoint; they may not be there yet. */
  function offer(start) {
    offered = start;
    document.dispatchEvent(new Event("dviz:offer"));
  }

  /** @returns {object | null} the start that was handed over, once, if it is of this checkpoint */
  function taken(checkpoint) {
    const start = offered?.checkpoint === checkpoint ? offered : null;
    if (start) offered = null;
    return start;
  }

  return { read, write, offer, taken };
})();
