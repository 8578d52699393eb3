"""Print on A4 with Chromium: a page of the built book as it looks in the light, and the sheets that only a PDF has."""

import base64
from html import escape
from pathlib import Path
from typing import Any

from dlbasics_site.chromium import Chromium

_MM = 1 / 25.4  # inches
_SCALE = 0.84
_TOP, _BOTTOM, _SIDES = 15, 18, 16  # millimetres
_A4: dict[str, Any] = {
    "paperWidth": 210 * _MM,
    "paperHeight": 297 * _MM,
    "generateTaggedPDF": False,
}  # joining loses tags
_MARGINS: dict[str, float] = {
    "marginTop": _TOP * _MM,
    "marginBottom": _BOTTOM * _MM,
    "marginLeft": _SIDES * _MM,
    "marginRight": _SIDES * _MM,
}
_NO_MARGINS: dict[str, float] = dict.fromkeys(_MARGINS, 0.0)

# CSS pixels between the margins: figures are drawn as wide as they will be printed.
_WIDTH = round((210 - 2 * _SIDES) * _MM * 96 / _SCALE)
_HEIGHT = round((297 - _TOP - _BOTTOM) * _MM * 96 / _SCALE)

# Light colours, nothing folded, everything drawn that waits for a reader to come near. Chromium keeps a place in the
# PDF only where something links to it, so every place gets a link, too small to see.
_PREPARE = """(async () => {
  document.documentElement.dataset.theme = "light";
  const unfold = () => { for (const folded of document.querySelectorAll("details")) folded.open = true; };
  unfold(); // now, since the theme lets what opens fade in; and again what the figures will fold
  for (const folded of document.querySelectorAll(".toggle-hidden")) folded.classList.remove("toggle-hidden");
  for (const picture of document.images) picture.loading = "eager";
  await dlbasics.drawAll();
  const undrawn = ".dlb-waiting, .dlb-plotly:not([data-state=drawn])";
  for (let tries = 0; document.querySelector(undrawn); tries++) {
    if (tries === 1200) throw new Error("a figure was not drawn within two minutes");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  unfold();
  await window.MathJax?.startup?.promise;
  await document.fonts.ready;
  await Promise.all([...document.images].map((picture) => picture.decode().catch(() => {})));
  const anchors = document.createElement("p");
  anchors.style = "position: absolute; top: 0; left: 0; font-size: 1px; line-height: 1px"; // makes no sheet of its own
  for (const { id } of document.querySelectorAll(".bd-article [id]:not(svg *, mjx-container *, .cell_output *)")) {
    const place = Object.assign(document.createElement("a"), { href: `#${id}`, textContent: "." });
    place.style = "color: transparent; text-decoration: none !important";
    anchors.append(place);
  }
  document.querySelector(".bd-article").append(anchors);
  await new Promise((resolve) => setTimeout(resolve, 300)); // figures follow the colours and the width a moment later
  const heading = document.querySelector(".bd-article h1").cloneNode(true);
  heading.querySelector(".headerlink")?.remove();
  return heading.textContent.trim();
})()"""

_SHEETS = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><style>
@font-face { font-family: Inter; font-weight: 100 900; src: url(data:font/woff2;base64,FONT); }
* { box-sizing: border-box; margin: 0; }
body { color: #23272f; font: 10.5pt/1.5 Inter, sans-serif; }
a { color: inherit; text-decoration: none; }
h1 { margin: 55mm 0 4mm; font-size: 30pt; letter-spacing: -0.03em; line-height: 1.15; }
h2 { margin: 6mm 0 1.5mm; break-after: avoid; font-size: 12pt; }
p.from { margin-bottom: 60mm; color: #596273; font-size: 13pt; }
nav { break-before: page; }
nav a { display: flex; gap: 2mm; align-items: baseline; break-inside: avoid; }
nav a i { flex: 1; border-bottom: 0.3mm dotted #b9b9b2; }
footer { position: relative; width: 210mm; height: 296.9mm; break-after: page; font-size: 8.5pt; color: #596273; }
footer:last-child { break-after: auto; }
footer span { position: absolute; bottom: 9mm; left: 16mm; }
footer b { position: absolute; right: 16mm; bottom: 9mm; font-weight: 500; }
</style></head><body>BODY</body></html>"""


def print_page(browser: Chromium, address: str) -> tuple[str, bytes]:
    """Print a page of the book with all its figures drawn and all its answers open.

    Args:
        browser: a running one.
        address: of the page.

    Returns:
        The page's heading, and the PDF.
    """
    with browser.tab() as tab:
        tab.call("Emulation.setDeviceMetricsOverride", width=_WIDTH, height=_HEIGHT, deviceScaleFactor=2, mobile=False)
        tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "light"}])
        tab.open(address)
        heading = str(tab.run(_PREPARE))
        return heading, tab.print(scale=_SCALE, **_A4, **_MARGINS)


def print_contents(
    browser: Chromium, fonts: Path, title: str, parts: list[tuple[str, list[tuple[str, str, int]]]]
) -> bytes:
    """Print a title page and the table of contents.

    Args:
        browser: a running one.
        fonts: the folder of the book's fonts.
        title: of the book.
        parts: each part's caption and its pages: heading, address, number of the sheet.
    """
    rows = []
    for caption, pages in parts:
        rows += [f"<h2>{escape(caption)}</h2>"] if caption else []
        rows += [f'<a href="{url}">{escape(heading)}<i></i><span>{sheet}</span></a>' for heading, url, sheet in pages]
    body = (
        f'<h1>{escape(title)}</h1><p class="from">Printed from the executed book. What moves there stands still here, '
        f"in its first state; answers are open.</p><nav>{''.join(rows)}</nav>"
    )
    return _print_sheets(browser, fonts, body, _MARGINS)


def print_footers(browser: Chromium, fonts: Path, titles: list[str]) -> bytes:
    """Print sheets that hold nothing but a footer, to be laid over others.

    Args:
        browser: a running one.
        fonts: the folder of the book's fonts.
        titles: what each sheet's footer says beside its number; "" leaves the sheet empty.
    """
    sheets = [f"<footer>{f'<span>{escape(t)}</span><b>{n}</b>' if t else ''}</footer>" for n, t in enumerate(titles, 1)]
    return _print_sheets(browser, fonts, "".join(sheets), _NO_MARGINS)


def _print_sheets(browser: Chromium, fonts: Path, body: str, margins: dict[str, float]) -> bytes:
    font = base64.b64encode((fonts / "inter-latin-wght-normal.woff2").read_bytes()).decode()
    with browser.tab() as tab:
        frame = tab.call("Page.getFrameTree")["frameTree"]["frame"]["id"]
        tab.call("Page.setDocumentContent", frameId=frame, html=_SHEETS.replace("FONT", font).replace("BODY", body))
        tab.run("document.fonts.ready.then(() => true)")
        return tab.print(**_A4, **margins)
