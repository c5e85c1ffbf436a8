// A few words for whoever is here for the first time; `element` comes from gr.HTML.
const SEEN = "dviz-tour-seen";
const tour = element.querySelector(".tour");

// Where storage is forbidden the tour stays away rather than coming back on every visit.
function isFirstVisit() {
  try { return localStorage.getItem(SEEN) === null; } catch { return false; }
}

function openTab(name) {
  const tabs = [...document.querySelectorAll('[role="tab"]')];
  tabs.find((tab) => tab.textContent.trim().startsWith(name))?.click();
}

if (tour) {
  tour.hidden = !isFirstVisit();
  tour.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.tab) { openTab(button.dataset.tab); return; }
    tour.hidden = true;
    try { localStorage.setItem(SEEN, "yes"); } catch { /* it is hidden all the same */ }
  });
}
