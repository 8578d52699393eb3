// The browser's half of dlbasics.atlas.Atlas: draws the map on a canvas and answers pointer, touch and keyboard.
// It needs no kernel, so it works the same in Jupyter and on a static page.

const STEPS = 65535; // the positions' range, as in atlas.py
const MARGIN = 18; // CSS pixels between the outermost points and the edge
const REACH = 22; // CSS pixels within which the pointer finds a point
const LARGEST_ZOOM = 24;
const MOST_PICTURES = 90; // as few points in view are drawn as their images
const CARD = 104; // CSS pixels of the enlarged image
const TRAVEL = 800; // milliseconds from one map to the next

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function readPositions(model) {
  const view = model.get("positions");
  const maps = model.get("choices").reduce((product, choice) => product * choice.values.length, 1);
  const count = view.byteLength / 4 / maps;
  return Array.from({ length: maps }, (_, map) =>
    Float32Array.from({ length: 2 * count }, (_, i) => view.getUint16(4 * map * count + 2 * i, true) / STEPS),
  );
}

async function readSprite(model) {
  const bytes = model.get("sprite");
  if (!bytes || bytes.byteLength === 0) return null;
  const url = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
  const image = new Image();
  image.src = url;
  await image.decode();
  URL.revokeObjectURL(url);
  return image;
}

function render({ model, el }) {
  const maps = readPositions(model);
  const labels = new Uint8Array(model.get("labels").buffer, model.get("labels").byteOffset, model.get("labels").byteLength);
  const names = model.get("class_names");
  const colours = model.get("colours");
  const [tileWidth, tileHeight] = model.get("thumbnail");
  const spriteColumns = model.get("sprite_columns");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  // What is seen now: the points between two maps, and the window on them.
  let points = maps[0].slice();
  let sprite = null;
  let chosen = -1;
  let hidden = new Set();
  let zoom = 1;
  let pan = [0, 0]; // in CSS pixels, added after zooming about the centre
  let animation = 0;
  let frame = 0;

  // ---- the parts of the page -------------------------------------------------------------------------------------
  const canvas = element("canvas", {
    class: "dlb-atlas-canvas",
    tabindex: "0",
    role: "application",
    "aria-roledescription": "map of points",
    "aria-label": `${model.get("alt")} ${labels.length} points. Arrow keys move from point to point, plus and minus zoom, 0 resets.`,
  });
  const picture = element("canvas", { class: "dlb-atlas-picture", width: tileWidth || 1, height: tileHeight || 1, "aria-hidden": "true" });
  const caption = element("span", { "aria-hidden": "true" });
  const spoken = element("span", { class: "dlb-atlas-spoken", "aria-live": "polite" });
  const card = element("div", { class: "dlb-atlas-card", hidden: "" }, ...(tileWidth ? [picture] : []), caption);
  const button = (text, label) => element("button", { type: "button", "aria-label": label, title: label }, text);
  const zoomIn = button("+", "Zoom in");
  const zoomOut = button("−", "Zoom out");
  const reset = button("⟲", "Reset the view");
  const stage = element("div", { class: "dlb-atlas-stage" }, canvas, card);
  const choices = model.get("choices").filter((choice) => choice.values.length > 1);
  const controls = choices.map(({ name, values, slider }) => {
    if (!slider) return element("select", {}, ...values.map((value, i) => element("option", { value: i }, value)));
    return element("input", { type: "range", min: 0, max: values.length - 1, value: 0, "aria-valuetext": values[0] });
  });
  const readings = choices.map(({ values, slider }) => (slider ? element("output", {}, values[0]) : ""));
  const labelled = choices.map(({ name }, i) => element("label", {}, `${name} `, controls[i], readings[i]));
  const tools = element("div", { class: "dlb-atlas-tools" }, ...labelled, element("span", {}, zoomOut, zoomIn, reset));
  const classButtons = names.map((name, k) => {
    const swatch = element("span", { class: "dlb-atlas-swatch", style: `background:${colours[k]}` });
    return element("button", { type: "button", "aria-pressed": "true" }, swatch, name);
  });
  const all = element("button", { type: "button", class: "dlb-atlas-all" }, "Hide all");
  const legend = element("div", { class: "dlb-atlas-legend", role: "group", "aria-label": "Classes shown" }, ...classButtons, all);
  const hint = element("p", { class: "dlb-atlas-hint" }, "Point, tap or use the arrow keys. Zoom with the buttons, two fingers, or Ctrl and the wheel.");
  const root = element("div", { class: "dlb-atlas" }, tools, stage, legend, hint, spoken);
  el.append(root);

  // ---- geometry --------------------------------------------------------------------------------------------------
  const size = () => [canvas.clientWidth, canvas.clientHeight];
  const place = (i) => {
    const [width, height] = size();
    const side = Math.min(width, height) - 2 * MARGIN;
    return [
      width / 2 + pan[0] + zoom * side * (points[2 * i] - 0.5),
      height / 2 + pan[1] + zoom * side * (points[2 * i + 1] - 0.5),
    ];
  };
  const shown = (i) => !hidden.has(labels[i]);
  const inView = ([x, y]) => x >= 0 && y >= 0 && x <= canvas.clientWidth && y <= canvas.clientHeight;

  function zoomTo(next, [x, y] = [canvas.clientWidth / 2, canvas.clientHeight / 2]) {
    next = Math.min(LARGEST_ZOOM, Math.max(1, next));
    const [width, height] = size();
    // The point of the map under (x, y) stays there.
    pan = [x - width / 2 - ((x - width / 2 - pan[0]) * next) / zoom, y - height / 2 - ((y - height / 2 - pan[1]) * next) / zoom];
    zoom = next;
    moved();
  }

  function moved() {
    const [width, height] = size();
    const side = Math.min(width, height) - 2 * MARGIN;
    const most = Math.max(0, (side * (zoom - 1)) / 2);
    pan = pan.map((value) => Math.min(most, Math.max(-most, value)));
    // Unzoomed, one finger scrolls the page; zoomed, it moves the map.
    canvas.style.touchAction = zoom > 1 ? "none" : "pan-y";
    zoomOut.disabled = zoom <= 1;
    zoomIn.disabled = zoom >= LARGEST_ZOOM;
    redraw();
  }

  // ---- drawing ---------------------------------------------------------------------------------------------------
  function redraw() {
    if (!frame) frame = requestAnimationFrame(draw);
  }

  function draw() {
    frame = 0;
    const [width, height] = size();
    if (!width || !height) return;
    const ratio = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const places = Array.from(labels, (_, i) => place(i));
    const visible = places.reduce((sum, at, i) => sum + (shown(i) && inView(at)), 0);
    const pictures = sprite && !animation && zoom > 1 && visible <= MOST_PICTURES;
    const radius = Math.min(4, Math.max(1.3, 2.6 * Math.sqrt(1500 / labels.length))) * zoom ** 0.3;
    for (let i = 0; i < labels.length; i++) {
      const [x, y] = places[i];
      if (x < -40 || y < -40 || x > width + 40 || y > height + 40) continue;
      context.globalAlpha = shown(i) ? 0.82 : 0.07;
      context.fillStyle = colours[labels[i]];
      if (pictures && shown(i)) {
        context.globalAlpha = 1;
        context.fillRect(x - 16, y - 16, 32, 32);
        drawTile(context, i, x - 14, y - 14, 28, 28);
      } else {
        context.beginPath();
        context.arc(x, y, radius, 0, 2 * Math.PI);
        context.fill();
      }
    }
    context.globalAlpha = 1;
    if (chosen >= 0) {
      const [x, y] = places[chosen];
      context.strokeStyle = getComputedStyle(root).color;
      context.lineWidth = 2;
      context.beginPath();
      context.arc(x, y, pictures ? 24 : radius + 3.5, 0, 2 * Math.PI);
      context.stroke();
    }
    placeCard();
  }

  function drawTile(context, i, x, y, width, height) {
    context.imageSmoothingEnabled = false;
    const column = i % spriteColumns;
    const row = Math.floor(i / spriteColumns);
    context.drawImage(sprite, column * tileWidth, row * tileHeight, tileWidth, tileHeight, x, y, width, height);
  }

  // ---- choosing a point ------------------------------------------------------------------------------------------
  function choose(i) {
    if (i === chosen) return;
    chosen = i;
    card.hidden = i < 0;
    if (i >= 0) {
      caption.textContent = names[labels[i]];
      spoken.textContent = `${names[labels[i]]}, point ${i + 1} of ${labels.length}`;
      card.style.borderColor = colours[labels[i]];
      if (sprite) drawTile(picture.getContext("2d"), i, 0, 0, tileWidth, tileHeight);
    }
    redraw();
  }

  function placeCard() {
    if (chosen < 0) return;
    const [width, height] = size();
    const [x, y] = place(chosen);
    card.hidden = !inView([x, y]);
    const room = 14;
    const left = x + room + card.offsetWidth > width ? x - room - card.offsetWidth : x + room;
    const top = Math.min(height - card.offsetHeight, Math.max(0, y - card.offsetHeight / 2));
    card.style.transform = `translate(${Math.max(0, left)}px, ${top}px)`;
  }

  function nearest([x, y], reach) {
    let best = -1;
    let least = reach ** 2;
    for (let i = 0; i < labels.length; i++) {
      if (!shown(i)) continue;
      const [px, py] = place(i);
      const distance = (px - x) ** 2 + (py - y) ** 2;
      if (distance < least) [best, least] = [i, distance];
    }
    return best;
  }

  function step(dx, dy) {
    if (chosen < 0) {
      choose(nearest([canvas.clientWidth / 2, canvas.clientHeight / 2], Infinity));
      return;
    }
    const [x, y] = place(chosen);
    let best = -1;
    let least = Infinity;
    for (let i = 0; i < labels.length; i++) {
      if (i === chosen || !shown(i)) continue;
      const [px, py] = place(i);
      const ahead = (px - x) * dx + (py - y) * dy;
      const aside = Math.abs((px - x) * dy) + Math.abs((py - y) * dx);
      // Within 45 degrees of the direction, and far enough that a key press is a visible step.
      if (ahead < 6 || aside > ahead) continue;
      if (ahead + 2 * aside < least) [best, least] = [i, ahead + 2 * aside];
    }
    if (best < 0) return;
    const [bx, by] = place(best);
    if (!inView([bx, by])) {
      pan = [pan[0] + canvas.clientWidth / 2 - bx, pan[1] + canvas.clientHeight / 2 - by];
      moved();
    }
    choose(best);
  }

  // ---- pointer, wheel, keyboard ----------------------------------------------------------------------------------
  const fingers = new Map();
  let travelled = 0;
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const middle = () => {
    const all = [...fingers.values()];
    return [0, 1].map((axis) => all.reduce((sum, finger) => sum + finger[axis], 0) / all.length);
  };
  const span = () => {
    const [a, b] = [...fingers.values()];
    return Math.hypot(a[0] - b[0], a[1] - b[1]);
  };

  canvas.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, at(event));
    travelled = 0;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) {
      if (event.pointerType !== "touch") choose(nearest(at(event), REACH));
      return;
    }
    const before = middle();
    const width = fingers.size === 2 ? span() : 0;
    fingers.set(event.pointerId, at(event));
    const after = middle();
    travelled += Math.hypot(after[0] - before[0], after[1] - before[1]);
    pan = [pan[0] + after[0] - before[0], pan[1] + after[1] - before[1]];
    if (width > 0) zoomTo((zoom * span()) / width, after);
    else moved();
  });
  const lift = (event) => {
    if (!fingers.delete(event.pointerId)) return;
    // A press that did not wander is a tap.
    if (event.type === "pointerup" && travelled < 8) choose(nearest(at(event), REACH));
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "touch" && document.activeElement !== canvas) choose(-1);
  });
  canvas.addEventListener("dblclick", home);
  canvas.addEventListener(
    "wheel",
    (event) => {
      // The page keeps its wheel unless the reader asks for the map's: with Ctrl (a trackpad's pinch) or by focusing it.
      const next = zoom * Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002));
      if (!event.ctrlKey && (document.activeElement !== canvas || (next < 1 && zoom === 1))) return;
      event.preventDefault();
      zoomTo(next, at(event));
    },
    { passive: false },
  );
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const keys = {
      ArrowLeft: () => step(-1, 0),
      ArrowRight: () => step(1, 0),
      ArrowUp: () => step(0, -1),
      ArrowDown: () => step(0, 1),
      "+": () => zoomTo(zoom * 1.5),
      "=": () => zoomTo(zoom * 1.5),
      "-": () => zoomTo(zoom / 1.5),
      0: home,
      Escape: () => choose(-1),
    };
    if (!(event.key in keys)) return;
    event.preventDefault();
    event.stopPropagation(); // JupyterLab has its own use for some of these keys
    keys[event.key]();
  });
  canvas.addEventListener("blur", () => choose(-1));

  function home() {
    zoom = 1;
    pan = [0, 0];
    moved();
  }
  zoomIn.addEventListener("click", () => zoomTo(zoom * 1.6));
  zoomOut.addEventListener("click", () => zoomTo(zoom / 1.6));
  reset.addEventListener("click", home);

  // ---- classes and maps ------------------------------------------------------------------------------------------
  function setHidden(next) {
    hidden = next;
    classButtons.forEach((node, k) => node.setAttribute("aria-pressed", String(!hidden.has(k))));
    all.textContent = hidden.size ? "Show all" : "Hide all";
    if (chosen >= 0 && !shown(chosen)) choose(-1);
    redraw();
  }
  classButtons.forEach((node, k) =>
    node.addEventListener("click", () => {
      const next = new Set(hidden);
      if (!next.delete(k)) next.add(k);
      setHidden(next);
    }),
  );
  all.addEventListener("click", () => setHidden(hidden.size ? new Set() : new Set(names.keys())));

  controls.forEach((control, i) =>
    control.addEventListener("input", () => {
      if (choices[i].slider) {
        readings[i].textContent = choices[i].values[Number(control.value)];
        control.setAttribute("aria-valuetext", readings[i].textContent);
      }
      // The maps follow one another as the last choice runs fastest.
      travel(maps[controls.reduce((index, each, k) => index * choices[k].values.length + Number(each.value), 0)]);
    }),
  );

  function travel(target) {
    cancelAnimationFrame(animation);
    animation = 0;
    if (calm.matches) {
      points = target.slice();
      redraw();
      return;
    }
    const start = points.slice();
    const begin = performance.now();
    const go = (now) => {
      const t = Math.min(1, (now - begin) / TRAVEL);
      const eased = t * t * (3 - 2 * t);
      for (let i = 0; i < points.length; i++) points[i] = start[i] + eased * (target[i] - start[i]);
      animation = t < 1 ? requestAnimationFrame(go) : 0;
      redraw();
    };
    animation = requestAnimationFrame(go);
  }

  // ---- the page around it ----------------------------------------------------------------------------------------
  const resized = new ResizeObserver(moved);
  resized.observe(canvas);
  // The ring is drawn in the text's colour, which changes with the theme of the site or of JupyterLab.
  const themed = new MutationObserver(redraw);
  for (const node of [document.documentElement, document.body]) {
    themed.observe(node, { attributes: true, attributeFilter: ["class", "data-theme", "data-jp-theme-name"] });
  }
  readSprite(model).then((image) => {
    sprite = image;
    if (image) picture.style.width = `${Math.round((CARD * tileWidth) / Math.max(tileWidth, tileHeight))}px`;
    root.dataset.ready = "";
    redraw();
  });
  moved();

  return () => {
    resized.disconnect();
    themed.disconnect();
    cancelAnimationFrame(frame);
    cancelAnimationFrame(animation);
  };
}

export default { render };
