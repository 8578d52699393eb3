// The browser's half of dlbasics.run_lab.RunLab: controls, three panels of curves, a line of words, a folded verdict.
// It needs no kernel process, so it works the same in Jupyter and on a static page.

const WIDTH = 400; // of a panel, in the units of its drawing
const HEIGHT = 132;
const LEFT = 46;
const BOTTOM = 20;
const BLUE = "#2266e3";
const ORANGE = "#e8610f";
const GREEN = "#12a075";
// title; low and high end; whether logarithmic; its ticks; its curves: column, name, colour, dashes
const PANELS = [
  ["loss", 0, 3, false, [0, 1, 2, 3], [[0, "training", BLUE, ""], [1, "validation", ORANGE, "7 4"]]],
  ["accuracy", 0, 1, false, [0, 0.5, 1], [[2, "training", BLUE, ""], [3, "validation", ORANGE, "7 4"]]],
  [
    "gradients and updates", -9, 3, true, [-8, -4, 0],
    [[4, "gradient, first layer", BLUE, ""], [5, "gradient, last layer", ORANGE, "7 4"], [6, "update ratio", GREEN, "2 4"]],
  ],
];
const IDLE = [[7, "dead units"], [8, "saturated outputs"]]; // columns without a curve, and their names
let serial = 0;

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function drawn(tag, attributes = {}, text = "") {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  return node;
}

// A number in three digits, or as a power of ten where it is far from 1.
export function short(value) {
  if (value === null || value === undefined) return "none";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 0.001 && size < 1000) return String(Number(value.toPrecision(3)));
  const [digits, exponent] = value.toExponential(0).split("e");
  return `${digits} × 10${[...String(Number(exponent))].map((sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]).join("")}`;
}

// The path of a curve: the points that exist, held inside the panel.
export function path(looks, values, low, high, logarithmic) {
  const last = looks[looks.length - 1];
  const points = [];
  values.forEach((value, i) => {
    if (value === null) return;
    const raw = logarithmic ? Math.log10(Math.max(value, 1e-300)) : value;
    const share = (Math.min(Math.max(raw, low), high) - low) / (high - low);
    const x = LEFT + (looks[i] / last) * (WIDTH - LEFT - 8);
    points.push(`${x.toFixed(1)} ${(HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - 6)).toFixed(1)}`);
  });
  if (points.length === 1) points.push(points[0]);
  return points.length ? `M${points.join("L")}` : "";
}

function render({ model, el }) {
  const [names, values, looks] = ["names", "values", "looks"].map((key) => model.get(key));
  const [runs, verdicts, presets] = ["runs", "verdicts", "presets"].map((key) => model.get(key));
  const sliders = model.get("sliders");
  const own = `dlb-runs-${++serial}`;
  const lab = element("div", { class: "dlb-runs", role: "group", "aria-label": model.get("alt") });

  // ---- controls --------------------------------------------------------------------------------------------------
  const controls = names.map((name, k) => {
    const shown = element("output", {}, "");
    const control = sliders[k]
      ? element("input", { type: "range", min: 0, max: values[k].length - 1, value: 0, id: `${own}-${k}` })
      : element("select", { id: `${own}-${k}` }, ...values[k].map((word) => element("option", { value: word }, word)));
    const label = element("label", { for: `${own}-${k}`, ...(sliders[k] ? { class: "wide" } : {}) });
    label.append(element("span", {}, name, sliders[k] ? ": " : "", shown), control);
    control.addEventListener("input", show);
    return {
      label,
      get: () => (sliders[k] ? values[k][Number(control.value)] : control.value),
      set: (word) => { control.value = sliders[k] ? values[k].indexOf(word) : word; },
      say: (word) => { if (sliders[k]) { shown.textContent = word; control.setAttribute("aria-valuetext", word); } },
    };
  });
  const buttons = presets.map(([name, setting]) => {
    const button = element("button", { type: "button" }, name);
    button.addEventListener("click", () => set(setting));
    return button;
  });
  lab.append(
    element("div", { class: "dlb-runs-presets" }, ...buttons),
    element("div", { class: "dlb-runs-choices" }, ...controls.filter((_, k) => values[k].length > 1).map((control) => control.label)),
  );

  // ---- panels ----------------------------------------------------------------------------------------------------
  const curves = [];
  for (const [title, low, high, logarithmic, ticks, lines] of PANELS) {
    const svg = drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: "100%", "aria-hidden": "true" });
    for (const tick of ticks) {
      const y = HEIGHT - BOTTOM - ((tick - low) / (high - low)) * (HEIGHT - BOTTOM - 6);
      svg.append(drawn("path", { d: `M${LEFT} ${y}H${WIDTH - 8}`, class: "grid" }));
      const word = logarithmic ? short(10 ** tick).replace("1 × ", "") : String(tick);
      svg.append(drawn("text", { x: LEFT - 6, y: y + 4.5, "text-anchor": "end" }, word));
    }
    for (const step of [looks[0], looks[looks.length - 1]]) {
      const x = LEFT + (step / looks[looks.length - 1]) * (WIDTH - LEFT - 8);
      const words = step === looks[0] ? `step ${step}` : String(step);
      svg.append(drawn("text", { x, y: HEIGHT - 4, "text-anchor": step === looks[0] ? "start" : "end" }, words));
    }
    const legend = element("div", { class: "dlb-runs-legend" }, element("strong", {}, title));
    for (const [column, name, colour, dashes] of lines) {
      const curve = drawn("path", { stroke: colour, "stroke-dasharray": dashes, class: "curve" });
      const sample = drawn("svg", { viewBox: "0 0 26 8", width: 26, height: 8, "aria-hidden": "true" });
      sample.append(drawn("path", { d: "M1 4H25", stroke: colour, "stroke-dasharray": dashes, class: "curve" }));
      legend.append(element("span", {}, sample, ` ${name}`));
      svg.append(curve);
      curves.push([column, curve, low, high, logarithmic]);
    }
    lab.append(legend, svg);
  }

  // ---- words -----------------------------------------------------------------------------------------------------
  const status = element("p", { class: "dlb-runs-status", "aria-live": "polite" });
  const verdict = element("p", {});
  const folded = element("details", {}, element("summary", {}, "What the rules say"), verdict);
  lab.append(status, folded);

  function show() {
    const words = controls.map((control) => control.get());
    controls.forEach((control, k) => control.say(words[k]));
    const setting = words.join("/");
    const run = runs[setting];
    for (const [column, curve, ...scale] of curves) curve.setAttribute("d", path(looks, run[column], ...scale));
    const seen = run[0].filter((value) => value !== null).length;
    const ended = (column) => run[column][seen - 1];
    status.textContent = seen < looks.length
      ? `The loss is no longer a number after step ${looks[seen - 1]}. Before the first step the gradients of the first and last layer were ${short(run[4][0])} and ${short(run[5][0])}.`
      : `After ${looks[seen - 1]} steps: loss ${short(ended(0))} in training and ${short(ended(1))} in validation, accuracy ${short(ended(2))} and ${short(ended(3))}. `
        + `Gradient of the first layer ${short(ended(4))}, of the last ${short(ended(5))}; update ratio ${short(ended(6))}`
        + IDLE.filter(([column]) => ended(column) !== null).map(([column, name]) => `; ${name} ${Math.round(100 * ended(column))} %`).join("") + ".";
    verdict.textContent = verdicts[setting];
    buttons.forEach((button, k) => button.setAttribute("aria-pressed", String(presets[k][1] === setting)));
  }

  function set(setting) {
    setting.split("/").forEach((word, k) => controls[k].set(word));
    folded.open = false;
    show();
  }

  set(presets[0][1]);
  el.replaceChildren(lab);
}

export default { render };
