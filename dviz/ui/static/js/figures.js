// Every chart can be taken away: as PNG or SVG, and its data as CSV. Nothing is asked of the server.
(() => {
  const PAPER = { paper_bgcolor: "white", plot_bgcolor: "white" };
  const INK = "#333b45";

  function save(name, blob) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  async function savePicture(plot, name, format) {
    const layout = { ...plot.layout, ...PAPER, font: { ...plot.layout.font, color: INK } };
    const { width, height } = plot.getBoundingClientRect();
    const scale = format === "png" ? 2 : 1;
    const figure = { data: plot.data, layout };
    const url = await window.Plotly.toImage(figure, { format, width, height, scale });
    save(`${name}.${format}`, await (await fetch(url)).blob());
  }

  // Numbers come as arrays or typed arrays; what is not there stays an empty cell.
  const plain = (values) => Array.from(values ?? []);
  const cell = (value) => {
    if (value === undefined || value === null || Number.isNaN(value)) return "";
    if (typeof value === "number") return String(value);
    const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };

  function matrixRows(trace) {
    const rows = plain(trace.y).map((name, d) => [name, ...plain(trace.z[d])]);
    return [["", ...plain(trace.x)], ...rows];
  }

  function seriesRows(traces, layout) {
    const names = layout.xaxis?.ticktext;
    const rows = [["series", "at", "value", "from", "error", "error_minus"]];
    for (const trace of traces) {
      const [y, base] = [plain(trace.y), plain(trace.base)];
      const [up, down] = [plain(trace.error_y?.array), plain(trace.error_y?.arrayminus)];
      plain(trace.x).forEach((x, n) => {
        if (y[n] === null || Number.isNaN(y[n])) return;
        const at = names?.[Math.round(x)] ?? x;
        rows.push([trace.name, at, y[n], base[n], up[n], down[n]]);
      });
    }
    return rows;
  }

  function saveData(plot, name) {
    const traces = plot._fullData; // as drawn: numbers decoded
    const isMatrix = traces[0].type === "heatmap";
    const rows = isMatrix ? matrixRows(traces[0]) : seriesRows(traces, plot.layout);
    const text = rows.map((row) => row.map(cell).join(",")).join("\n") + "\n";
    save(`${name}.csv`, new Blob([text], { type: "text/csv" }));
  }

  function nameOf(plot) {
    const tab = document.querySelector('[role="tab"][aria-selected="true"]')?.textContent ?? "";
    const words = tab.toLowerCase().match(/[a-z]+/g) ?? ["figure"];
    const all = [...document.querySelectorAll(".js-plotly-plot")];
    return `dviz-${words[0]}-${all.indexOf(plot) + 1}`;
  }

  function button(text, label, act) {
    const node = document.createElement("button");
    node.type = "button";
    node.textContent = text;
    node.setAttribute("aria-label", label);
    node.addEventListener("click", act);
    return node;
  }

  function addTools(plot) {
    const tools = document.createElement("div");
    tools.className = "figure-tools";
    if (window.Plotly) {
      for (const format of ["png", "svg"]) {
        const label = `Save this chart as ${format.toUpperCase()}`;
        const act = () => savePicture(plot, nameOf(plot), format);
        tools.append(button(format.toUpperCase(), label, act));
      }
    }
    const act = () => saveData(plot, nameOf(plot));
    tools.append(button("CSV", "Save the data of this chart as CSV", act));
    plot.after(tools);
  }

  let waiting = false;
  function look() {
    waiting = false;
    for (const plot of document.querySelectorAll(".js-plotly-plot")) {
      if (plot._fullData && !plot.parentElement.querySelector(".figure-tools")) addTools(plot);
    }
  }

  const watch = () => new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    setTimeout(look, 200);
  }).observe(document.body, { childList: true, subtree: true });
  if (document.body) watch();
  else document.addEventListener("DOMContentLoaded", watch);
})();
