// The browser's half of dlbasics.kernel_lab.KernelLab: works the convolution out, draws it, and writes one sum out.
// It needs no kernel process, so it works the same in Jupyter and on a static page.

const SIDE = 3; // of the kernel
const STEP = 0.5; // of the buttons beside a weight
const STRIDES = [1, 2, 3];
const PADDINGS = [0, 1, 2];
const PIXEL = 8; // canvas pixels for each pixel of the image

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// One channel, a 3x3 kernel, not flipped: { values, height, width } of the result, values row by row.
export function convolve(image, [height, width], kernel, stride, padding) {
  const rows = Math.floor((height + 2 * padding - SIDE) / stride) + 1;
  const columns = Math.floor((width + 2 * padding - SIDE) / stride) + 1;
  const values = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      for (let u = 0; u < SIDE; u++) {
        for (let v = 0; v < SIDE; v++) {
          const row = i * stride + u - padding;
          const column = j * stride + v - padding;
          // Outside the image lie the zeros of the padding.
          if (row >= 0 && row < height && column >= 0 && column < width) {
            sum += kernel[u * SIDE + v] * image[row * width + column];
          }
        }
      }
      values[i * columns + j] = sum;
    }
  }
  return { values, height: rows, width: columns };
}

const short = (value) => String(Number(value.toFixed(2))).replace("-", "−");

function render({ model, el }) {
  const [height, width] = model.get("size");
  const bytes = model.get("pixels");
  const count = height * width;
  const images = model.get("image_names").map((_, i) =>
    Float64Array.from({ length: count }, (_, k) => bytes.getUint8(i * count + k) / 255),
  );
  const presets = model.get("presets");

  let image = images[0];
  let kernel = presets[0].slice();
  let stride = 1;
  let padding = 1;
  let result = null;
  let spot = [0, 0]; // row and column of the result's number that is written out
  let pointed = false; // whether the reader has chosen it

  // ---- the parts of the page -------------------------------------------------------------------------------------
  const choice = (label, names, values = names.map((_, i) => i)) => {
    const select = element("select", { "aria-label": label }, ...names.map((name, i) => element("option", { value: values[i] }, String(name))));
    return [select, element("label", {}, element("span", {}, label), select)];
  };
  const [imageSelect, imageChoice] = choice("Image", model.get("image_names"));
  const [presetSelect, presetChoice] = choice("Kernel", [...model.get("preset_names"), "your own"]);
  const [strideSelect, strideChoice] = choice("Stride", STRIDES, STRIDES);
  const [paddingSelect, paddingChoice] = choice("Padding", PADDINGS, PADDINGS);
  paddingSelect.value = String(padding);
  const ownKernel = String(presets.length);

  const inputs = kernel.map((_, k) =>
    element("input", {
      type: "number", step: "any", "aria-label": `Weight in row ${Math.floor(k / SIDE) + 1}, column ${(k % SIDE) + 1}`,
    }),
  );
  const cells = inputs.map((input, k) => {
    // A keyboard and a screen reader have the input itself; the buttons are for fingers and pointers.
    const button = (sign, by) => {
      const node = element("button", { type: "button", tabindex: "-1", "aria-hidden": "true" }, sign);
      node.addEventListener("click", () => setWeight(k, Number((kernel[k] + by).toFixed(4))));
      return node;
    };
    return element("div", { class: "dlb-kernel-cell" }, button("−", -STEP), input, button("+", STEP));
  });
  const grid = element("div", { class: "dlb-kernel-grid", role: "group", "aria-label": "The nine weights of the kernel" }, ...cells);

  const canvas = (attributes) => element("canvas", { class: "dlb-kernel-canvas", ...attributes });
  const source = canvas({ role: "img", width: width * PIXEL, height: height * PIXEL });
  const target = canvas({ role: "application", "aria-roledescription": "convolved image", tabindex: "0" });
  const shape = element("span", {});
  const before = element("figure", {}, source, element("figcaption", {}, `image, ${height} × ${width}`));
  const after = element("figure", {}, target, element("figcaption", {}, shape));
  const sum = element("p", { class: "dlb-kernel-sum", "aria-live": "polite" });
  const range = element("p", { class: "dlb-kernel-range", "aria-live": "polite" });
  const hint = element(
    "p", { class: "dlb-kernel-hint" },
    "Point at the result, tap it, or use the arrow keys: the square in the image is what that number was made from.",
  );
  const root = element(
    "div", { class: "dlb-kernel", role: "group", "aria-label": model.get("alt") },
    element("div", { class: "dlb-kernel-choices" }, imageChoice, presetChoice, strideChoice, paddingChoice),
    element("div", { class: "dlb-kernel-bench" }, before, grid, after),
    range, sum, hint,
  );
  el.append(root);

  // ---- drawing ---------------------------------------------------------------------------------------------------
  // Black is 0, white the largest size; what is negative is blue, which also differs from white in lightness.
  const shade = (value, most) => {
    const share = Math.min(1, Math.abs(value) / most);
    return value >= 0 ? [255 * share, 255 * share, 255 * share] : [30 * share, 110 * share, 255 * share];
  };

  function paint(node, values, rows, columns, most) {
    node.width = columns * PIXEL;
    node.height = rows * PIXEL;
    const small = new OffscreenCanvas(columns, rows);
    const picture = new ImageData(columns, rows);
    values.forEach((value, k) => picture.data.set([...shade(value, most), 255], 4 * k));
    small.getContext("2d").putImageData(picture, 0, 0);
    const context = node.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, node.width, node.height);
  }

  function frame(node, row, column, side) {
    const context = node.getContext("2d");
    for (const [colour, thickness] of [["#000000", 5], ["#ff8a3d", 3]]) {
      context.strokeStyle = colour;
      context.lineWidth = thickness;
      context.strokeRect(column * PIXEL, row * PIXEL, side * PIXEL, side * PIXEL);
    }
  }

  function extremes() {
    let low = Infinity;
    let high = -Infinity;
    for (const value of result.values) [low, high] = [Math.min(low, value), Math.max(high, value)];
    return [low, high];
  }

  function draw() {
    const [low, high] = extremes();
    const most = Math.max(1, -low, high);
    paint(source, image, height, width, 1);
    paint(target, result.values, result.height, result.width, most);
    // Both are drawn at one scale, so that a stride is seen to shrink the result; a wide padding shrinks both a little.
    const widest = Math.max(width, result.width);
    source.style.width = `${(100 * width) / widest}%`;
    target.style.width = `${(100 * result.width) / widest}%`;
    frame(source, spot[0] * stride - padding, spot[1] * stride - padding, SIDE);
    frame(target, spot[0], spot[1], 1);
  }

  function tell() {
    const [low, high] = extremes();
    const most = Math.max(1, -low, high);
    shape.textContent = `result, ${result.height} × ${result.width}`;
    const formula = (size) => `⌊(${size} + 2·${padding} − ${SIDE}) / ${stride}⌋ + 1`;
    const out = height === width ? `${result.height} = ${formula(height)}` : `${result.height} × ${result.width}`;
    range.textContent =
      `Size: ${out}. Values from ${short(low)} to ${short(high)}: black is 0, white ${short(most)}` +
      (low < 0 ? `, blue negative (brightest at ${short(-most)}).` : ".");
    source.setAttribute("aria-label", `${imageSelect.selectedOptions[0].textContent}, ${height} by ${width} pixels`);
    target.setAttribute(
      "aria-label",
      `The image convolved with the kernel ${kernel.map(short).join(", ")}: ${result.height} by ${result.width} numbers ` +
        `from ${short(low)} to ${short(high)}. Arrow keys choose one.`,
    );
    tellSum();
  }

  // The nine products behind one number; those with a weight or a pixel of 0 add nothing and are left out.
  function tellSum() {
    const terms = [];
    for (let u = 0; u < SIDE; u++) {
      for (let v = 0; v < SIDE; v++) {
        const row = spot[0] * stride + u - padding;
        const column = spot[1] * stride + v - padding;
        const inside = row >= 0 && row < height && column >= 0 && column < width;
        const weight = kernel[u * SIDE + v];
        const pixel = inside ? image[row * width + column] : 0;
        if (weight && pixel) terms.push(`${terms.length ? (weight < 0 ? " − " : " + ") : weight < 0 ? "−" : ""}${short(Math.abs(weight))}·${short(pixel)}`);
      }
    }
    const value = result.values[spot[0] * result.width + spot[1]];
    const words = `Row ${spot[0] + 1}, column ${spot[1] + 1}: `;
    sum.textContent = terms.length ? `${words}${terms.join("")} = ${short(value)}` : `${words}every product is 0, so the sum is 0`;
  }

  // ---- what the reader changes -----------------------------------------------------------------------------------
  function compute() {
    result = convolve(image, [height, width], kernel, stride, padding);
    // Until the reader has chosen a place, the middle of the result stands for one.
    spot = pointed
      ? [Math.min(spot[0], result.height - 1), Math.min(spot[1], result.width - 1)]
      : [Math.floor(result.height / 2), Math.floor(result.width / 2)];
    draw();
    tell();
  }

  function colour(k) {
    const weight = kernel[k];
    cells[k].dataset.sign = weight > 0 ? "plus" : weight < 0 ? "minus" : "zero";
  }

  function setWeight(k, value, { write = true } = {}) {
    kernel[k] = value;
    if (write) inputs[k].value = String(value);
    colour(k);
    presetSelect.value = ownKernel;
    compute();
  }

  function setKernel(next) {
    kernel = next.slice();
    inputs.forEach((input, k) => {
      input.value = String(Number(kernel[k].toFixed(3)));
      colour(k);
    });
    compute();
  }

  inputs.forEach((input, k) => {
    // While a number is being typed it may be no number yet ("-"): the last one holds until it is.
    input.addEventListener("input", () => {
      if (Number.isFinite(input.valueAsNumber)) setWeight(k, input.valueAsNumber, { write: false });
    });
    input.addEventListener("change", () => {
      if (!Number.isFinite(input.valueAsNumber)) setWeight(k, 0);
    });
    input.addEventListener("keydown", (event) => {
      // A step of any size is allowed, so the browser's own arrows would go by 1.
      const by = { ArrowUp: STEP, ArrowDown: -STEP }[event.key];
      event.stopPropagation(); // JupyterLab has its own use for some keys
      if (!by) return;
      event.preventDefault();
      setWeight(k, Number((kernel[k] + by).toFixed(4)));
    });
  });
  imageSelect.addEventListener("change", () => {
    image = images[Number(imageSelect.value)];
    compute();
  });
  presetSelect.addEventListener("change", () => {
    if (presetSelect.value !== ownKernel) setKernel(presets[Number(presetSelect.value)]);
  });
  strideSelect.addEventListener("change", () => {
    stride = Number(strideSelect.value);
    compute();
  });
  paddingSelect.addEventListener("change", () => {
    padding = Number(paddingSelect.value);
    compute();
  });

  function choose(row, column) {
    const next = [Math.min(result.height - 1, Math.max(0, row)), Math.min(result.width - 1, Math.max(0, column))];
    if (pointed && next[0] === spot[0] && next[1] === spot[1]) return;
    pointed = true;
    spot = next;
    draw();
    tellSum();
  }

  const point = (event) => {
    const box = target.getBoundingClientRect();
    choose(
      Math.floor(((event.clientY - box.top) / box.height) * result.height),
      Math.floor(((event.clientX - box.left) / box.width) * result.width),
    );
  };
  target.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "touch") point(event);
  });
  target.addEventListener("click", point);
  target.addEventListener("keydown", (event) => {
    const [dr, dc] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
    if (event.ctrlKey || event.metaKey || event.altKey || (!dr && !dc)) return;
    event.preventDefault();
    event.stopPropagation();
    choose(spot[0] + dr, spot[1] + dc);
  });

  setKernel(presets[0]);
  root.dataset.ready = "";
}

export default { render };
