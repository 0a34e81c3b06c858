// The page's own part: it reads the fields, calls the functions above, and shows what they give. It multiplies nothing
// but widths of bars.
const HELD = ["weight_bytes", "buffer_bytes", "input_bytes", "gradient_bytes"];
const NUMBERS = ["params", "macs", "flops", "weight_bytes", "output_bytes", "saved_bytes"];
const FIELDS = ["config", "bn", "height", "width", "batch", "classes", "factor", "head", "pool", "dtype", "convention", "optimizer"];
const COUNTED_FIELDS = { height: "Height", width: "Width", batch: "Batch", classes: "Classes" };
const MOST = BigInt(PAGE.most);
const MOST_WORDS = "10^" + (PAGE.most.length - 1);
const COMMON = { batch: "1", dtype: "float32", convention: "mac", optimizer: "sgd" };
const $ = id => document.getElementById(id);
const call = ([place, ...names], sizes) => FUNCTIONS[place](...names.map(name => sizes[name]));
const sum = values => values.reduce((a, b) => a + b, 0n);

class Refused extends Error {
  constructor(field, words) { super(words); this.field = field; }
}

const defaults = config => ({ ...COMMON, config, ...PAGE.own[config] });

const counted = (text, field, from) => {
  const words = `${COUNTED_FIELDS[field]} takes a whole number from ${from} to ${MOST_WORDS}`;
  const plain = text.trim();
  if (!/^[0-9]{1,16}$/.test(plain) || BigInt(plain) < BigInt(from) || BigInt(plain) > MOST) throw new Refused(field, words);
  return BigInt(plain);
};

const factorOf = text => {
  const match = /^([0-9]*)(?:\.([0-9]*))?$/.exec(text.trim());
  const digits = match ? match[1] + (match[2] || "") : "";
  const whole = digits.replace(/^0+/, "");
  if (!whole || whole.length > 15) {
    throw new Refused("factor", "Width multiplier takes a decimal number above 0 with at most 15 digits, such as 0.5");
  }
  return [BigInt(whole), 10n ** BigInt((match[2] || "").length)];
};

const headOf = (text, pool) => {
  const word = text.trim().toLowerCase();
  const words = "Head takes paper (4096,4096), none (one linear layer), off (no classifier) or up to two hidden widths such as 512,512";
  if (word === "off") return ["off", []];
  const widths = word === "none" ? [] : word === "paper" ? PAGE.paperHead.map(String) : word.split(",").map(each => each.trim());
  if (widths.length > 2 || widths.some(each => !/^[0-9]{1,16}$/.test(each) || BigInt(each) < 1n || BigInt(each) > MOST)) {
    throw new Refused("head", words);
  }
  if (pool) return [String(widths.length), widths.map(BigInt)];
  if (word !== "paper") throw new Refused("head", "Head takes paper or off where there is no adaptive pool; vggcost table has others");
  return ["paper", []];
};

const chosen = (value, field, known, label) => {
  if (!known.includes(value)) throw new Refused(field, `${label} takes one of ${known.join(", ")}`);
  return value;
};

// Read the fields' texts as numbers, or refuse and say what the field takes.
const read = state => {
  const config = state.config;
  if (!(config in PAGE.names)) throw new Refused("config", `Configuration takes one of ${Object.values(PAGE.names).join(", ")}`);
  const least = PAGE.least[config];
  for (const [field, label] of [["bn", "Batch normalization"], ["pool", "Adaptive pool"]]) chosen(state[field], field, ["0", "1"], label);
  const sizes = {
    N: counted(state.batch, "batch", 1), K: counted(state.classes, "classes", 1),
    h: counted(state.height, "height", least[0]), w: counted(state.width, "width", least[1]),
  };
  [sizes.p, sizes.q] = factorOf(state.factor);
  const [head, widths] = headOf(state.head, state.pool === "1");
  widths.forEach((width, place) => { sizes["f" + (place + 1)] = width; });
  const [bytes, statistic, trains] = PAGE.dtypes[chosen(state.dtype, "dtype", Object.keys(PAGE.dtypes), "Dtype")];
  sizes.e = BigInt(bytes);
  sizes.s = BigInt(statistic);
  chosen(state.convention, "convention", Object.keys(PAGE.conventions), "Convention");
  chosen(state.optimizer, "optimizer", PAGE.optimizers, "Optimizer");
  return { key: `${config}|${state.bn}|${head}`, sizes, trains };
};

const largest = (moments, held) => {
  let best = null;
  for (const moment of moments) {
    moment.parts = { ...held, ...moment.parts };
    moment.bytes = sum(Object.values(moment.parts));
    if (best === null || moment.bytes > best.bytes) best = moment;
  }
  return best;
};

// A table of moments says of each what it has more than the one before.
const momentsOf = (places, names, sizes) => {
  const now = names.map(() => 0n);
  return places.map(place => {
    const [phase, layer, ...more] = MOMENTS[place];
    call(more, sizes).forEach((value, part) => { now[part] += value; });
    return { phase, layer, parts: Object.fromEntries(names.map((name, part) => [name, now[part]])) };
  });
};

// Everything that the page shows of a state; throws Refused.
const compute = state => {
  const { key, sizes, trains } = read(state);
  const [windows, layers, fits, held, forward, step] = STRUCTURES[key];
  for (const [name, ...size] of CHANNELS[state.config]) [sizes[name]] = call(size, sizes);
  for (const [name, ...size] of windows) {
    [sizes[name]] = call(size, sizes);
    if (sizes[name] < 1n) throw new Refused("height", "this image is too small for the network");
  }
  for (const [layer, what, ...both] of fits) {
    const [takes, gets] = call(both, sizes);
    if (takes !== gets) {
      throw new Refused("height", `${layer} takes ${grouped(takes)} ${what} and gets ${grouped(gets)} at ${sizes.h}x${sizes.w};`
        + (what === "features" ? " Height and Width take 224 here, or any size under an adaptive pool" : " Height and Width take others"));
    }
  }
  const rule = Object.keys(PAGE.conventions).indexOf(state.convention);
  let before = {};
  const rows = layers.map(place => {
    const [name, kind, ledgerNames, counts, rank, ...all] = LAYERS[place];
    const values = call(all, sizes);
    const shapes = values.length - NUMBERS.length - ledgerNames.length;
    const input = values.slice(0, rank), output = values.slice(rank, shapes);
    const row = { name, kind, output };
    NUMBERS.forEach((number, at) => { row[number] = values[shapes + at]; });
    const ledger = {};
    ledgerNames.forEach((primitive, at) => { ledger[primitive] = values[shapes + NUMBERS.length + at]; });
    const count = COUNTS[COUNTED[counts][rule]](sizes.N, ledger, before, input, output, name);
    row.count = typeof count === "bigint" ? count : null;
    row.why = row.count === null ? count : "";
    if (!trains) row.saved_bytes = null;
    before = ledger;
    return row;
  });
  const totals = {};
  for (const number of NUMBERS) totals[number] = rows.some(row => row[number] === null) ? null : sum(rows.map(row => row[number]));
  const reasons = [...new Set(rows.map(row => row.why).filter(why => why))];
  totals.count = reasons.length ? null : sum(rows.map(row => row.count));
  const values = call(held, sizes);
  const have = Object.fromEntries(HELD.map((name, at) => [name, values[at]]));
  const [state_bytes, making] = values.slice(HELD.length + 2 * PAGE.optimizers.indexOf(state.optimizer));
  const always = { weight_bytes: have.weight_bytes, buffer_bytes: have.buffer_bytes, input_bytes: have.input_bytes };
  const ahead = largest(momentsOf(forward, ["working_bytes"], sizes), always);
  totals.peak_bytes = ahead.parts.working_bytes;
  totals.gradient_bytes = trains ? have.gradient_bytes : null;
  totals.optimizer_bytes = trains ? state_bytes : null;
  totals.training_peak_bytes = null;
  totals.buffer_bytes = have.buffer_bytes;
  totals.input_bytes = have.input_bytes;
  let back = null;
  if (trains) {
    const last = { phase: "step", layer: null, parts: { live_gradient_bytes: have.gradient_bytes, live_saved_bytes: 0n, working_bytes: making } };
    back = largest([...momentsOf(step, PAGE.parts, sizes), last], { ...always, optimizer_bytes: state_bytes });
    totals.training_peak_bytes = back.bytes;
  }
  return { state, sizes, rows, totals, reasons, forward: ahead, step: back };
};

// What is below shows it.
const number = new Intl.NumberFormat("en-US");
const grouped = value => number.format(value);
const short = (value, step, units) => {
  let scaled = Number(value), place = 0;
  while (scaled >= step && place < units.length - 1) { scaled /= step; place += 1; }
  const digits = place === 0 ? 0 : scaled < 10 ? 2 : scaled < 100 ? 1 : 0;
  return scaled > 1e6 ? `${scaled.toExponential(2)} ${units[place]}` : `${scaled.toFixed(digits)} ${units[place]}`.trim();
};
const ofBytes = value => short(value, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]);
const ofCount = value => short(value, 1000, ["", "k", "M", "G", "T", "P", "E"]);
const share = (value, whole) => whole === 0n ? 0 : Number(value * 10000n / whole) / 100;
const shareText = percent => percent >= 10 ? `${percent.toFixed(0)} %` : percent >= 0.1 ? `${percent.toFixed(1)} %` : "";

const element = (tag, text = "", className = "") => {
  const made = document.createElement(tag);
  if (text !== "") made.textContent = text;
  if (className) made.className = className;
  return made;
};

const columnsOf = view => [
  { key: "name", title: "Layer", text: row => row.name },
  { key: "kind", title: "Kind", text: row => row.kind },
  { key: "output", title: "Output", text: row => row.output.slice(1).join("x") },
  { key: "params", title: "Parameters" },
  { key: "macs", title: "MACs" },
  { key: "flops", title: "FLOPs" },
  ...(view.state.convention === "mac" ? [] : [{ key: "count", title: view.state.convention }]),
  { key: "output_bytes", title: "Output [B]" },
  { key: "saved_bytes", title: "Kept [B]" },
].map(column => ({ text: row => row[column.key] === null ? "none" : grouped(row[column.key]), number: !column.text, ...column }));

const sorting = { key: null, down: false };
const ordered = view => {
  if (sorting.key === null) return view.rows;
  const value = row => sorting.key === "output" ? row.output.reduce((a, b) => a * b, 1n) : row[sorting.key] === null ? -1n : row[sorting.key];
  const way = sorting.down ? -1 : 1;  // equal ones stay in the network's order
  return [...view.rows].sort((one, other) => { const a = value(one), b = value(other); return a < b ? -way : a > b ? way : 0; });
};

let shown = null;

const showTable = view => {
  const table = $("table"), columns = columnsOf(view);
  const keys = columns.map(column => column.title).join();
  const head = table.tHead.rows[0];
  if (head.dataset.keys !== keys) {
    head.dataset.keys = keys;
    head.replaceChildren(...columns.map(column => {
      const cell = element("th", "", column.number ? "n" : "");
      cell.scope = "col";
      cell.dataset.key = column.key;
      const button = element("button", column.title);
      button.type = "button";
      button.addEventListener("click", () => sortBy(column));
      cell.append(button);
      return cell;
    }));
  }
  for (const cell of head.cells) {
    if (cell.dataset.key === sorting.key) cell.setAttribute("aria-sort", sorting.down ? "descending" : "ascending");
    else cell.removeAttribute("aria-sort");
  }
  const body = document.createDocumentFragment();
  for (const row of ordered(view)) {
    const line = element("tr");
    columns.forEach((column, place) => {
      const text = column.text(row);
      const cell = element(place ? "td" : "th", text, column.number ? text === "0" ? "n zero" : "n" : "");
      if (!place) cell.scope = "row";
      line.append(cell);
    });
    body.append(line);
  }
  table.tBodies[0].replaceChildren(body);
  const last = element("tr");
  columns.forEach((column, place) => {
    const total = place === 0 ? "total" : column.number ? view.totals[column.key] === null ? "none" : grouped(view.totals[column.key]) : "";
    const cell = element(place ? "td" : "th", total, column.number ? "n" : "");
    if (!place) cell.scope = "row";
    last.append(cell);
  });
  table.tFoot.replaceChildren(last);
};

const sortBy = column => {
  // Names and kinds from A to Z first, numbers from the largest; a third time gives the network's own order back.
  const first = column.number || column.key === "output";
  if (sorting.key !== column.key) Object.assign(sorting, { key: column.key, down: first });
  else if (sorting.down === first) sorting.down = !first;
  else sorting.key = null;
  showTable(shown);
};

const showTotals = view => {
  const { totals, state } = view;
  const [title, unit, per] = PAGE.conventions[state.convention];
  const images = per === "image" ? " per image" : per === "mixed" ? ", partly per image" : "";
  const called = `${state.convention}, in ${unit === "mixed" ? "MACs + operations" : unit + "s"}${images}`;
  const tiles = [
    ["Parameters", "params", ofCount], ["MACs", "macs", ofCount], ["FLOPs", "flops", ofCount],
    ...(state.convention === "mac" ? [] : [[called, "count", ofCount]]),
    ["Weights", "weight_bytes", ofBytes], ["Every layer's output", "output_bytes", ofBytes],
    ["Alive at the peak of a forward call", "peak_bytes", ofBytes], ["Kept for the backward pass", "saved_bytes", ofBytes],
    ["Gradients of weights", "gradient_bytes", ofBytes], ["Optimizer state", "optimizer_bytes", ofBytes],
    ["Peak of a training step", "training_peak_bytes", ofBytes],
  ];
  $("totals").replaceChildren(...tiles.map(([words, key, about]) => {
    const value = totals[key], tile = element("div"), exact = element("dd", value === null ? "none" : "");
    tile.dataset.key = key;
    if (value !== null) exact.append(element("span", about(value), "about"), element("span", grouped(value) + (about === ofBytes ? " B" : ""), "exact"));
    tile.append(element("dt", words), exact);
    return tile;
  }));
  $("why").textContent = view.reasons.length ? `${title} has no total here: ${view.reasons.join("; ")}` : "";
};

const BARS = [["params", "params", "Parameters"], ["macs", "macs", "MACs"], ["saved", "saved_bytes", "Kept for backward"]];

// A layer that multiplies or pools, with the activations, norms and views that follow it: so each column sums to its total.
const groupsOf = rows => {
  const groups = [];
  for (const row of rows) {
    if (!groups.length || row.macs || row.kind.includes("Pool")) groups.push({ name: row.name, params: 0n, macs: 0n, saved_bytes: 0n });
    for (const [, key] of BARS) groups[groups.length - 1][key] += row[key] ?? 0n;
  }
  return groups;
};

const showBars = view => {
  const rows = groupsOf(view.rows);
  const parts = document.createDocumentFragment();
  parts.append(element("span", "Layer", "title"), ...BARS.map(([, , title]) => element("span", title, "title")));
  const largestOf = BARS.map(([, key]) => rows.reduce((found, row) => row[key] > found ? row[key] : found, 0n));
  for (const row of rows) {
    parts.append(element("span", row.name, "name"));
    BARS.forEach(([name, key], place) => {
      const bar = element("span", "", "bar"), line = element("i", "", name), percent = row[key] ? share(row[key], view.totals[key]) : 0;
      if (row[key]) {
        line.style.width = `calc(${(share(row[key], largestOf[place]) / 100).toFixed(4)} * (100% - 2.6rem))`;
        bar.append(line);
      }
      bar.append(element("span", row[key] ? shareText(percent) : ""));
      parts.append(bar);
    });
  }
  $("bars").replaceChildren(parts);
  const words = BARS.filter(([, key]) => view.totals[key]).map(([, key, title]) => {
    const top = rows.reduce((one, other) => other[key] > one[key] ? other : one, rows[0]);
    return `${title}: most in ${top.name}, ${share(top[key], view.totals[key]).toFixed(1)} %`;
  });
  $("bars").setAttribute("aria-label", `Shares of each layer; the table below has the numbers. ${words.join("; ")}.`);
};

const WHEN = {
  forward: moment => `in the forward call, while ${moment.layer} runs`,
  backward: moment => `in the backward pass, at ${moment.layer ?? "the loss"}`,
  step: () => "in the optimizer's step",
};

const showMemory = (where, moment, otherwise) => {
  const parts = moment === null ? [] : Object.keys(PAGE.words).filter(key => moment.parts[key]).map(key => [key, moment.parts[key]]);
  $(`${where}-stack`).replaceChildren(...parts.map(([key, value]) => {
    const piece = element("i", "", key);
    piece.style.width = `${share(value, moment.bytes)}%`;
    return piece;
  }));
  const line = (key, words, value) => {
    const made = element("tr", "", key ? "" : "sum"), head = element("th");
    made.dataset.key = key;
    head.scope = "row";
    if (key) head.append(element("span", "", `swatch ${key}`));
    head.append(words);
    made.append(head, element("td", grouped(value), "n"), element("td", ofBytes(value), "n"));
    return made;
  };
  const words = key => where === "forward" && key === "working_bytes" ? "outputs of layers" : PAGE.words[key];
  $(`${where}-parts`).replaceChildren(...parts.map(([key, value]) => line(key, words(key), value)), ...(moment === null ? [] : [line("", "total", moment.bytes)]));
  $(`${where}-when`).textContent = moment === null ? otherwise : `The worst moment is ${WHEN[moment.phase](moment)}.`;
};

const showForms = view => {
  const { config, bn, factor, head, pool, height, width } = view.state, own = PAGE.own[config];
  let unit = null;
  for (const each of document.querySelectorAll(".forms")) {
    each.hidden = each.dataset.of !== `${config}|${bn}`;
    if (!each.hidden) unit = each.dataset.unit ?? null;
  }
  const letters = unit ? `N images, K classes, an image of ${unit}a x ${unit}b pixels` : "N images, K classes";
  const apart = factor !== own.factor || head !== own.head || pool !== own.pool;
  const off = unit && (BigInt(height) % BigInt(unit) || BigInt(width) % BigInt(unit));
  $("forms-note").textContent = `${letters}; for the configuration's own widths and head`
    + (apart ? ", which are not those above: vggcost formula has the others." : off ? `. ${height}x${width} is no multiple of ${unit}: there the floors of the pools leave no polynomial, and the numbers above are computed layer by layer.` : ".");
};

const show = view => {
  const { state } = view;
  $("heading").textContent = `VGG ${PAGE.names[state.config]}${state.bn === "1" ? " with batch normalization" : ""}; input ${view.sizes.N}x${PAGE.channels[state.config]}x${view.sizes.h}x${view.sizes.w} ${state.dtype}`;
  showTotals(view);
  showBars(view);
  showTable(view);
  showMemory("forward", view.forward, "");
  showMemory("step", view.step, `${state.dtype} has no gradients, so nothing is trained in it.`);
  showForms(view);
};

// The fields.
const form = $("controls");
const ticks = ["bn", "pool"];
const values = () => Object.fromEntries(FIELDS.map(field => [field, ticks.includes(field) ? form.elements[field].checked ? "1" : "0" : form.elements[field].value]));
const fill = state => {
  for (const field of FIELDS) {
    const control = form.elements[field];
    if (ticks.includes(field)) control.checked = state[field] === "1";
    else if (control.tagName === "INPUT" || [...control.options].some(option => option.value === state[field])) control.value = state[field];
  }
};

const fault = refused => {
  for (const field of FIELDS) {
    const at = refused !== null && refused.field === field;
    for (const [name, value] of [["aria-invalid", "true"], ["aria-describedby", "faults"]]) {
      if (at) form.elements[field].setAttribute(name, value);
      else form.elements[field].removeAttribute(name);
    }
  }
  $("faults").replaceChildren(...(refused === null ? [] : [element("p", `${refused.message}. What is shown is still for the last settings that fit.`)]));
};

// Show a state, or say what a field takes and leave the last view; returns whether it is shown.
const apply = state => {
  let view;
  try {
    view = compute(state);
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    fault(refused);
    return false;
  }
  fault(null);
  shown = view;
  show(view);
  return true;
};

const fragment = state => {
  const usual = defaults(state.config), named = { ...state, config: PAGE.names[state.config] };
  const pairs = FIELDS.filter(field => field === "config" || state[field] !== usual[field]).map(field => [field, named[field]]);
  return `#${new URLSearchParams(pairs)}`;
};

// What is heard of a change: the totals that most people ask for. The rest is there to be read.
const spoken = ({ totals }) => {
  const peak = totals.training_peak_bytes === null ? "" : `; a training step takes ${ofBytes(totals.training_peak_bytes)}`;
  const count = totals.count === null || totals.count === totals.macs ? "" : `, counted as ${grouped(totals.count)}`;
  return `${grouped(totals.params)} parameters, ${grouped(totals.macs)} MACs${count}${peak}`;
};

// Once a person stops typing: browsers refuse an address that changes with each key, and nobody can listen to that.
let waiting = 0;
const remember = () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    history.replaceState(null, "", fragment(shown.state));
    $("said").textContent = spoken(shown);
  }, 150);
};

let config = PAGE.opens;

const changed = () => {
  const state = values();
  if (state.config !== config) {
    // A field that says what the configuration says follows to the next one.
    const before = PAGE.own[config], after = PAGE.own[state.config];
    for (const field of Object.keys(after)) if (state[field] === before[field]) state[field] = after[field];
    config = state.config;
    fill(state);
  }
  if (apply(state)) remember();
};

const configOf = text => Object.keys(PAGE.names).find(key => PAGE.names[key] === text)
  ?? Object.keys(PAGE.names).find(key => PAGE.names[key].split(" ")[0].toLowerCase() === text.toLowerCase());

const load = () => {
  const given = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  const unknown = Object.keys(given).filter(field => !FIELDS.includes(field));
  const key = given.config === undefined ? PAGE.opens : configOf(given.config);
  const base = key ?? shown?.state.config ?? PAGE.opens;
  const state = { ...defaults(base), ...given, config: key ?? given.config };
  for (const field of unknown) delete state[field];
  if (shown === null) apply(defaults(base));
  config = base;
  fill({ ...state, config: base });
  if (apply(state) && unknown.length) fault(new Refused(null, `The address takes ${FIELDS.join(", ")}, and has ${unknown.join(", ")}`));
};

form.addEventListener("input", changed);
form.addEventListener("submit", event => event.preventDefault());
window.addEventListener("hashchange", load);

// Copies.
const plainRows = view => [...ordered(view).map(row => ({ ...row, output: row.output.join("x") })), { name: "total", kind: "", output: "", ...view.totals }];
const copies = {
  csv: (columns, rows) => [columns.map(column => column.key), ...rows].map(row => row.map(cell => /[",\n]/.test(cell) ? `"${cell.replace(/"/g, '""')}"` : cell).join(",")).join("\r\n") + "\r\n",
  markdown: (columns, rows) => [columns.map(column => column.title), columns.map(column => column.number ? "---:" : "---"), ...rows]
    .map(row => `| ${row.map(cell => cell.replace(/\|/g, "\\|")).join(" | ")} |`).join("\n") + "\n",
  latex: (columns, rows) => {
    const safe = text => text.replace(/[_%&#$]/g, sign => `\\${sign}`);
    const lines = rows.map(row => row.map(safe).join(" & ") + " \\\\");
    return [`\\begin{tabular}{${columns.map(column => column.number ? "r" : "l").join("")}}`, "\\toprule", columns.map(column => safe(column.title)).join(" & ") + " \\\\", "\\midrule",
      ...lines.slice(0, -1), "\\midrule", ...lines.slice(-1), "\\bottomrule", "\\end{tabular}"].join("\n") + "\n";
  },
};
const copyText = format => {
  const columns = columnsOf(shown);
  const cell = (row, column) => { const value = row[column.key]; return value === null ? "" : typeof value !== "bigint" ? value : format === "csv" ? String(value) : grouped(value); };
  return copies[format](columns, plainRows(shown).map(row => columns.map(column => cell(row, column))));
};
const copyByHand = text => {
  const area = element("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
};
for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const text = copyText(button.dataset.copy);
    let done = true;
    try { await navigator.clipboard.writeText(text); } catch { done = copyByHand(text); }
    button.focus();
    $("copied").textContent = done ? `${shown.rows.length} layers and their sum are copied.` : "The browser does not let a page copy.";
  });
}

load();
