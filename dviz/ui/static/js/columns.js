// The columns of a table, and what each is taken for.
// `element`, `props`, `trigger` and `watch` come from gr.HTML; make() from dom.js.
const list = element.querySelector(".columns");

function row({ name, cells, role }) {
  const label = make("label", role), select = make("select", "", undefined, { "data-name": name });
  for (const word of props.value.roles) select.append(make("option", "", word, { value: word }));
  select.value = role;
  select.addEventListener("change", () => {
    label.className = select.value;
    const chosen = [...list.querySelectorAll("select")].map((s) => [s.dataset.name, s.value]);
    trigger("select", { roles: Object.fromEntries(chosen) });
  });
  label.append(make("b", "", name), make("small", "", cells.join(", ")), select);
  return label;
}

function draw() {
  const columns = props.value?.columns ?? [];
  element.querySelector("details").hidden = !columns.length;
  const file = JSON.stringify(columns.map(({ name, cells }) => [name, cells]));
  if (list.dataset.of === file) return; // what was chosen stays, and keeps the focus
  list.dataset.of = file;
  list.replaceChildren(...columns.map(row));
}

watch("value", draw);
draw();
