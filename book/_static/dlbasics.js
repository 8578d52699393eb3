// Draws plotly figures and widgets when they near the viewport, with scripts from this site only, names what has no name,
// and remembers what a reader ticked.
"use strict";

const dlbasics = (() => {
  const vendor = new URL("vendor/", document.currentScript.src).href;
  const NEAR = "400px"; // how far below the fold a figure is fetched
  const WIDGET_VIEW = 'script[type="application/vnd.jupyter.widget-view+json"]';

  // ---- Scripts, one after another: plotly must not meet require.js's `define` while it loads ----
  let queue = Promise.resolve();

  function loadScript(path, { attributes = {}, hideDefine = false } = {}) {
    const load = () => new Promise((resolve, reject) => {
      const define = window.define;
      if (hideDefine) window.define = undefined;
      const restore = () => { if (hideDefine) window.define = define; };
      const script = document.createElement("script");
      for (const [name, value] of Object.entries(attributes)) script.setAttribute(name, value);
      script.onload = () => { restore(); resolve(); };
      script.onerror = () => { restore(); reject(new Error(`could not load ${path}`)); };
      script.src = vendor + path;
      document.head.append(script);
    });
    queue = queue.then(load, load);
    return queue;
  }

  function once(start) {
    let promise;
    return () => (promise ??= start());
  }

  // ---- Plotly ----
  const loadPlotly = once(() => loadScript("plotly/plotly.min.js", { hideDefine: true }));
  const drawn = new Set();

  function plotlyColours(figure) {
    const style = getComputedStyle(document.documentElement);
    const read = (name) => style.getPropertyValue(name).trim();
    const [text, grid] = [read("--pst-color-text-base"), read("--dlb-grid")];
    const colours = {
      "font.color": text,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      "legend.bgcolor": "rgba(0,0,0,0)",
      "hoverlabel.bgcolor": read("--pst-color-surface"),
      "hoverlabel.font.color": text,
    };
    const axes = Object.keys(figure.layout).filter((key) => /^[xy]axis\d*$/.test(key));
    for (const axis of new Set(["xaxis", "yaxis", ...axes])) {
      for (const line of ["gridcolor", "zerolinecolor", "linecolor"]) colours[`${axis}.${line}`] = grid;
    }
    for (const scene of Object.keys(figure.layout).filter((key) => /^scene\d*$/.test(key))) {
      for (const axis of ["xaxis", "yaxis", "zaxis"]) {
        colours[`${scene}.${axis}.gridcolor`] = grid;
        colours[`${scene}.${axis}.backgroundcolor`] = "rgba(0,0,0,0)";
      }
    }
    (figure.layout.sliders ?? []).forEach((_, i) => { colours[`sliders[${i}].font.color`] = text; });
    (figure.layout.updatemenus ?? []).forEach((_, i) => {
      colours[`updatemenus[${i}].font.color`] = text;
      colours[`updatemenus[${i}].bgcolor`] = read("--pst-color-surface");
    });
    return colours;
  }

  // The page decides how wide a figure is, and whose letters it speaks in; the rest is its template's.
  function fitPage(layout) {
    delete layout.width;
    layout.font = { family: getComputedStyle(document.body).fontFamily, ...layout.font };
  }

  async function drawPlotly(place) {
    if (place.dataset.state) return;
    place.dataset.state = "loading";
    const figure = JSON.parse(place.querySelector("script").textContent);
    figure.layout ??= {};
    await loadPlotly();
    const canvas = document.createElement("div");
    canvas.style.height = place.style.minHeight;
    place.append(canvas);
    const config = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d"], ...figure.config };
    fitPage(figure.layout);
    await window.Plotly.newPlot(canvas, { data: figure.data, layout: figure.layout, frames: figure.frames, config });
    await window.Plotly.relayout(canvas, plotlyColours(figure));
    place.setAttribute("role", "figure"); // an image cannot hold the figure's buttons
    for (const button of canvas.querySelectorAll(".modebar-btn")) {
      button.setAttribute("aria-label", button.dataset.title ?? "Figure tool");
    }
    drawn.add([canvas, figure]);
    place.dataset.state = "drawn";
  }

  new MutationObserver(() => {
    for (const [canvas, figure] of drawn) window.Plotly.relayout(canvas, plotlyColours(figure));
  }).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });

  // ---- Widgets: the html-manager draws all widgets of a page at once ----
  const loadWidgets = once(async () => {
    const folder = `${vendor}widgets/`;
    await bridgeMathJax();
    window.__jupyter_widgets_assets_path__ = folder;
    await loadScript("widgets/require.js");
    // The modules of the html-manager are all inside embed-amd.js; their paths only tell them where their icon fonts lie.
    const inside = ["base", "controls", "html-manager", "html-manager/dist/libembed-amd"];
    const paths = Object.fromEntries(inside.map((name) => [`@jupyter-widgets/${name}`, `${folder}embed-amd`]));
    window.requirejs.config({ baseUrl: folder, paths: { ...paths, anywidget: `${folder}anywidget` } });
    // A module that is missing here is missing: without the attribute the html-manager would ask a CDN for it.
    await loadScript("widgets/embed-amd.js", { attributes: { "data-jupyter-widgets-cdn": `${folder}missing/` } });
  });

  // Widgets typeset formulas through MathJax 2's queue; the pages have MathJax 3.
  async function bridgeMathJax() {
    const script = document.querySelector('script[src*="/mathjax/"]');
    if (!script) return;
    if (!window.MathJax?.startup) await new Promise((resolve) => script.addEventListener("load", resolve, { once: true }));
    await window.MathJax.startup.promise;
    window.MathJax.Hub ??= { Queue: ([, , element]) => window.MathJax.typesetPromise([element]) };
  }

  function prepareWidget(view) {
    const waiting = document.createElement("div");
    waiting.className = "dlb-waiting";
    waiting.textContent = "Loading the interactive figure …";
    view.before(waiting);
    new MutationObserver((_, observer) => {
      const area = view.parentElement?.querySelector(":scope > .widget-subarea");
      if (!area?.firstElementChild) return;
      observer.disconnect();
      waiting.remove();
      keepNamed(area);
    }).observe(view.parentElement, { childList: true, subtree: true });
    return waiting;
  }

  // ---- Names for controls that come without one ----
  function nameControls(area) {
    for (const handle of area.querySelectorAll(".noUi-handle")) {
      const slider = handle.closest(".jupyter-widgets");
      setAttribute(handle, "aria-label", slider?.querySelector(".widget-label")?.textContent.trim() || "Value");
      const readout = slider?.querySelector(".widget-readout")?.textContent.trim();
      if (readout) setAttribute(handle, "aria-valuetext", readout);
    }
    for (const readout of area.querySelectorAll(".widget-readout[contenteditable]")) {
      const label = readout.closest(".jupyter-widgets")?.querySelector(".widget-label")?.textContent.trim() || "Value";
      setAttribute(readout, "role", "textbox");
      setAttribute(readout, "aria-label", `${label}, as a number`);
    }
    for (const group of area.querySelectorAll(".widget-toggle-buttons")) {
      const label = group.querySelector(".widget-label")?.textContent.trim();
      setAttribute(group, "role", "group");
      if (label) setAttribute(group, "aria-label", label);
      for (const button of group.querySelectorAll(".widget-toggle-button")) {
        setAttribute(button, "aria-pressed", String(button.classList.contains("mod-active")));
      }
    }
    for (const control of area.querySelectorAll("input:not([type=hidden]), select, textarea")) {
      if (control.labels?.length || control.getAttribute("aria-label") || control.getAttribute("aria-labelledby")) continue;
      const label = control.closest(".jupyter-widgets")?.querySelector(".widget-label")?.textContent.trim();
      setAttribute(control, "aria-label", label || control.title || "Value");
    }
  }

  function nameThemeParts() {
    // These have words of their own; a label that says something else hides them from those who speak to their browser.
    for (const control of document.querySelectorAll(".search-button-field, details.hide > summary")) {
      control.removeAttribute("aria-label");
    }
    for (const toggle of document.querySelectorAll("nav.bd-links summary")) {
      const page = toggle.closest("li")?.querySelector(":scope > a")?.textContent.trim();
      setAttribute(toggle, "aria-label", `Pages under ${page}`);
    }
    for (const entry of document.querySelectorAll(".citation-list[role=list] > .citation")) entry.setAttribute("role", "listitem");
  }

  // On a phone the rows of a cheat sheet stand one below the other, without their head: each cell says its column.
  function nameCells() {
    for (const table of document.querySelectorAll(".dlb-sheet table")) {
      const columns = [...table.querySelectorAll("thead th")].map((head) => head.textContent.trim());
      for (const row of table.querySelectorAll("tbody tr")) {
        [...row.cells].forEach((cell, k) => { cell.dataset.column = columns[k]; });
      }
    }
  }

  function setAttribute(element, name, value) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }

  function keepNamed(area) {
    let waiting = false;
    const name = () => { waiting = false; nameControls(area); };
    new MutationObserver(() => {
      if (!waiting) { waiting = true; requestAnimationFrame(name); }
    }).observe(area, { childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ["class"] });
    name();
  }

  // ---- Checklists: the ticks stay in this browser ----
  function rememberTicks(list) {
    const place = `checklist:${list.dataset.key}`;
    const boxes = [...list.querySelectorAll("input[type=checkbox]")];
    const [foot, count, clear] = ["div", "span", "button"].map((name) => document.createElement(name));
    foot.className = "dlb-count";
    count.setAttribute("role", "status");
    clear.type = "button";
    clear.textContent = "Clear";
    foot.append(count, clear);
    list.append(foot);
    const show = () => {
      const ticked = boxes.filter((box) => box.checked).length;
      count.textContent = `${ticked} of ${boxes.length} ticked`;
      clear.disabled = ticked === 0;
    };
    const keep = () => {
      const ticked = boxes.filter((box) => box.checked).map((box) => box.dataset.item);
      try { localStorage.setItem(place, JSON.stringify(ticked)); } catch { /* storage is off: the ticks last as long as the page */ }
      show();
    };
    try {
      const ticked = JSON.parse(localStorage.getItem(place) ?? "[]");
      for (const box of boxes) box.checked ||= ticked.includes(box.dataset.item);
    } catch { /* storage is off, or holds something else */ }
    list.addEventListener("change", keep);
    clear.addEventListener("click", () => {
      for (const box of boxes) box.checked = false;
      keep();
      boxes[0].focus();
    });
    show();
  }

  // ---- Start ----
  nameThemeParts();
  nameCells();
  for (const list of document.querySelectorAll(".dlb-checklist")) rememberTicks(list);
  const figures = [...document.querySelectorAll(".dlb-plotly")];
  const waiting = [...document.querySelectorAll(WIDGET_VIEW)].map(prepareWidget);

  const nearing = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      nearing.unobserve(target);
      (target.matches(".dlb-plotly") ? drawPlotly(target) : loadWidgets()).catch(console.error);
    }
  }, { rootMargin: NEAR });
  for (const target of [...figures, ...waiting]) nearing.observe(target);

  async function drawAll() {
    await Promise.all([...figures.map(drawPlotly), ...(waiting.length ? [loadWidgets()] : [])]);
    const settled = () => document.querySelector(".dlb-waiting") === null && figures.every((f) => f.dataset.state === "drawn");
    for (let tries = 0; !settled() && tries < 100; tries++) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  return { drawAll };
})();

// The page's print button: figures that the reader has not scrolled to would be blank on paper.
async function dlbPrint() {
  await dlbasics.drawAll();
  window.print();
}
