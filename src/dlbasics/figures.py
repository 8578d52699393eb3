"""Figures that belong to the page: they follow its theme, its font and its width, and say in words what they show."""

import hashlib
import html
import io
import itertools
import json
import re

import matplotlib
import matplotlib.pyplot as plt
import plotly.graph_objects as go
from IPython.display import HTML, display
from matplotlib.figure import Figure

from dlbasics.building import building_book
from dlbasics.comparisons import bars, label_curves, paired_differences
from dlbasics.curves import gradients, histogram, history, lines
from dlbasics.look import (
    CLASS_COLOURS,
    INK,
    LOOK,
    METHOD_COLOURS,
    METHOD_LABELS,
    PAPER,
    PLOTLY_TEMPLATE,
    subplots,
    use_look,
)
from dlbasics.pictures import confusion, image_grid, scatter

__all__ = [
    "CLASS_COLOURS",
    "INK",
    "METHOD_COLOURS",
    "METHOD_LABELS",
    "PAPER",
    "PLOTLY_TEMPLATE",
    "as_html",
    "bars",
    "confusion",
    "gradients",
    "histogram",
    "history",
    "image_grid",
    "label_curves",
    "lines",
    "paired_differences",
    "scatter",
    "show",
    "subplots",
    "use_look",
]

PLOTLY_MIME = "application/vnd.plotly.v1+json"
# The site's background, then JupyterLab's, then the browser's.
PAGE_BACKGROUND = "var(--pst-color-background, var(--jp-layout-color0, Canvas))"
# Said here because the widgets of a static page hand black down to what they hold.
PAGE_TEXT = "var(--pst-color-text-base, inherit)"
PAGE_FONT = "system-ui, sans-serif"
# Shown no wider than this many CSS pixels for each unit of the drawing (72 to the inch).
MAGNIFICATION = 1.35

_serial = itertools.count(1)

use_look()


def show(figure: Figure | go.Figure, *, alt: str, caption: str | None = None) -> None:
    """Display a figure under a cell, and say in words what it shows.

    Args:
        figure: a matplotlib figure (drawn as SVG in the page's own text colour, then closed) or a plotly one.
        alt: what someone who cannot see the figure needs to know, in a sentence: the message, not "a plot of ...".
        caption: a line under the figure, plain text.

    Raises:
        ValueError: an empty ``alt``.
        TypeError: neither a matplotlib nor a plotly figure.
    """
    if isinstance(figure, go.Figure):
        _show_plotly(figure, checked_alt(alt), caption)
    else:
        display(HTML(as_html(figure, alt=alt, caption=caption)))


def as_html(figure: Figure, *, alt: str, caption: str | None = None) -> str:
    """A matplotlib figure as ``<figure>`` with an inline SVG that follows the page's theme; closes the figure.

    Args and errors: as for ``show``.
    """
    alt = checked_alt(alt)
    if not isinstance(figure, Figure):
        raise TypeError(f"a matplotlib or plotly figure can be shown, got {type(figure).__name__}: {figure!r:.80}")
    svg = _svg(figure, alt)
    width = round(figure.get_figwidth() * 72 * MAGNIFICATION)
    plt.close(figure)
    words = f'<figcaption style="text-align:center">{html.escape(caption)}</figcaption>' if caption else ""
    return f'<figure class="dlb-figure" style="margin:0 auto;max-width:{width}px">{svg}{words}</figure>'


def checked_alt(alt: str) -> str:
    """``alt`` on one line; an empty one raises ValueError."""
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f"alt must say in a sentence what the figure shows, got {alt!r}")
    return " ".join(alt.split())


def _show_plotly(figure: go.Figure, alt: str, caption: str | None) -> None:
    meta = figure.layout.meta if isinstance(figure.layout.meta, dict) else {}
    figure.update_layout(meta={**meta, "alt": alt})
    if building_book():
        # Without the HTML that plotly would add: it asks for a script that the site loads itself.
        display({PLOTLY_MIME: json.loads(figure.to_json())}, raw=True)
    else:
        display(figure)
    if caption:
        display(HTML(f'<p class="dlb-caption" style="text-align:center">{html.escape(caption)}</p>'))


def _svg(figure: Figure, alt: str) -> str:
    """The figure as an SVG element without what reaches beyond it: global style, fixed size, ids that others have."""
    with matplotlib.rc_context({**LOOK, "svg.hashsalt": "dlbasics"}), io.StringIO() as file:
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
        drawing = file.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r"<style[^>]*>.*?</style>", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r"<!--.*?-->", "", drawing, flags=re.DOTALL)
    drawing = drawing.replace(INK, "currentColor").replace(PAPER, PAGE_BACKGROUND)
    drawing = re.sub(r"""'DejaVu Sans'[^;"]*""", PAGE_FONT, drawing)
    drawing = _shorter_paths(_own_ids(drawing))
    view_box = re.search(r'viewBox="[^"]*"', drawing)
    if view_box is None:  # pragma: no cover
        raise RuntimeError("matplotlib wrote an SVG without a viewBox")
    body = drawing[drawing.index(">") + 1 :]
    return (
        f'<svg role="img" aria-label="{html.escape(alt)}" {view_box[0]} xmlns="http://www.w3.org/2000/svg" '
        'xmlns:xlink="http://www.w3.org/1999/xlink" width="100%" '
        f'style="display:block;color:{PAGE_TEXT};height:auto;overflow:visible;stroke-linejoin:round;stroke-linecap:butt">'
        + body.strip()
    )


def _own_ids(drawing: str) -> str:
    """Ids that no other figure of the page has; those that nothing refers to go."""
    prefix = f"dlb-{next(_serial)}-{hashlib.sha256(drawing.encode()).hexdigest()[:8]}-"
    used = set(re.findall(r"""(?:href="#|url\(#)([^")]+)""", drawing))
    drawing = re.sub(r' id="([^"]*)"', lambda match: f' id="{prefix}{match[1]}"' if match[1] in used else "", drawing)
    return re.sub(r"""(href="#|url\(#)""", lambda match: match[1] + prefix, drawing)


def _shorter_paths(drawing: str) -> str:
    """Coordinates to a hundredth of a unit: a third of the bytes, and no eye sees it."""

    def shorter(match: re.Match[str]) -> str:
        return re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), match[0])

    drawing = re.sub(r' (?:d|x|y)="[^"]*"', shorter, drawing)
    return re.sub(r"M (\S+) (\S+) \nL \1 \2 \n", r"M\1 \2h0", drawing)  # a line to where it starts: a dot of `scatter`
