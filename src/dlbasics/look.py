"""The one look of every figure: its colours, its type, its axes, in matplotlib and in plotly."""

from typing import Any

import matplotlib
import plotly.graph_objects as go
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Two sentinels. `dlbasics.figures` writes them into the SVG as the page's own text and background colour,
# so that one figure serves the light and the dark theme.
INK = "#010203"
PAPER = "#fdfcfb"

# matplotlib's petroff10 cycle: ten colours chosen for colour-vision deficiency.
# Source: Petroff, "Accessible Color Sequences for Data Visualization", arXiv:2107.02270, 2021.
CLASS_COLOURS = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
    "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip

METHOD_LABELS = {
    "scratch": "From scratch",
    "autoencoder": "Autoencoder",
    "contrastive": "Contrastive",
    "masked": "Masked",
    "supervised": "Supervised, all labels",
    "random": "Random encoder",
    "pixels": "Raw pixels",
    "knn": "kNN on pixels",
    "logistic": "Logistic regression",
}

# Every colour keeps a contrast of 3:1 on white and on the dark theme; the first five stay apart (CIE76 > 15) for
# people with deuteranopia, protanopia or tritanopia. Controls are drawn broken as well, and every method has a marker.
METHOD_COLOURS = {
    "scratch": "#2266e3",
    "autoencoder": "#9c56ab",
    "contrastive": "#e8610f",
    "masked": "#12a075",
    "random": "#7c828c",
    "pixels": "#8a6a52",
    "knn": "#8a8f3a",
    "logistic": "#a8585f",
    "supervised": "#c2409a",
}
METHOD_MARKERS = dict(zip(METHOD_COLOURS, ("o", "s", "D", "^", "X", "v", "P", "p", "h"), strict=True))
# The same colours for curves that are neither methods nor classes: petroff10 is too pale for thin lines on white.
CURVE_COLOURS = tuple(
    METHOD_COLOURS[method]
    for method in ("scratch", "contrastive", "autoencoder", "masked", "logistic", "knn", "random", "pixels")
)
CONTROLS = frozenset({"random", "pixels", "knn", "logistic"})

# A figure is WIDTH inches = 403 SVG units wide. In a phone's 358 px column a label of 12.5 units is then 11 px tall.
WIDTH = 5.6
HEIGHT = 3.4
FONT_SIZE = 12.5

# Any: matplotlib types the keys of its settings one by one.
LOOK: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelpad": 6,
    "axes.labelsize": FONT_SIZE,
    "axes.linewidth": 0.8,
    "axes.prop_cycle": cycler(color=CLASS_COLOURS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.titlesize": FONT_SIZE,
    "axes.titleweight": "bold",
    "axes.unicode_minus": True,
    "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.hspace": 0.04,
    "figure.constrained_layout.w_pad": 0.03,
    "figure.constrained_layout.wspace": 0.04,
    "figure.dpi": 144,
    "figure.facecolor": "none",
    "figure.figsize": (WIDTH, HEIGHT),
    # DejaVu Sans comes with matplotlib, so that the layout is the same everywhere; the page's narrower font fits in it.
    "font.family": "DejaVu Sans",
    "font.size": FONT_SIZE,
    "grid.alpha": 0.13,
    "grid.color": INK,
    "grid.linewidth": 0.8,
    "hatch.color": INK,
    "legend.borderaxespad": 0,
    "legend.fontsize": FONT_SIZE,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "lines.markersize": 6,
    "lines.solid_capstyle": "round",
    "mathtext.fontset": "dejavusans",
    "patch.edgecolor": "none",
    "patch.linewidth": 0,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "text.color": INK,
    "xtick.color": INK,
    "xtick.labelsize": FONT_SIZE,
    "xtick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.color": INK,
    "ytick.labelsize": FONT_SIZE,
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
}

_GRID = "rgba(128,128,128,0.28)"
_AXIS = {
    "automargin": True,
    "gridcolor": _GRID,
    "linecolor": "rgba(128,128,128,0.75)",
    "showline": True,
    "ticks": "",
    "title": {"font": {"size": 14}, "standoff": 10},
    "zeroline": False,
}

# No font colour but `layout.font.color` is set: whoever wants the theme's own text colour changes that one value.
PLOTLY_TEMPLATE = go.layout.Template(
    layout={
        "colorway": list(CLASS_COLOURS),
        "dragmode": False,
        "font": {"color": "#7d8590", "family": "system-ui, sans-serif", "size": 14},
        "height": 400,
        "hoverlabel": {"font": {"size": 14}},
        "legend": {
            "bgcolor": "rgba(0,0,0,0)",
            "orientation": "h",
            "font": {"size": 13},
            "x": 0,
            "y": 1.02,
            "yanchor": "bottom",
        },
        "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "polar": {"bgcolor": "rgba(0,0,0,0)"},
        "xaxis": _AXIS,
        "yaxis": _AXIS,
    }
)


def use_look() -> None:
    """Make the look matplotlib's default in this process (importing ``dlbasics.figures`` does it)."""
    matplotlib.rcParams.update(LOOK)


def subplots(
    rows: int = 1, columns: int = 1, *, width: float = WIDTH, height: float | None = None, **options: Any
) -> tuple[Figure, Any]:
    """A figure in the look and its axes; unlike pyplot's, it is never shown twice and never kept in memory.

    Args:
        rows, columns: the grid of axes.
        width, height: inches. The page scales the figure to its column: 5.6 inches keep text at 11 px on a phone.
        options: handed to ``Figure.subplots`` (``sharex``, ``height_ratios``, ...).

    Returns:
        The figure and its ``Axes``, or an array of ``Axes`` where there is more than one.
    """
    with matplotlib.rc_context(LOOK):
        figure = Figure(figsize=(width, HEIGHT * rows if height is None else height), layout="constrained")
        return figure, figure.subplots(rows, columns, **options)


def method_label(method: str) -> str:
    """The name that a reader sees: ``METHOD_LABELS[method]``, or the word itself where it has none."""
    return METHOD_LABELS.get(method, method)


def colour_of(name: str, position: int) -> str:
    """The fixed colour of a method, or for any other name the curve colour at its position."""
    return METHOD_COLOURS.get(name, CURVE_COLOURS[position % len(CURVE_COLOURS)])


def hide_spines(axes: Axes, *sides: str) -> None:
    """Hide the named sides of the frame (all four where none is named)."""
    for side in sides or ("left", "right", "top", "bottom"):
        axes.spines[side].set_visible(False)
