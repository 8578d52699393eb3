"""Pictures of attention: a map of weights; where one query looks in a text or an image, in few bytes a frame."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike
from PIL import Image

from dlbasics.columns import as_array
from dlbasics.look import INK, METHOD_COLOURS, WIDTH, hide_spines, subplots

COLOUR = METHOD_COLOURS["contrastive"]
LETTER, TALL = 12, 72  # units of the drawing: the width of a character, the height of a weight of 1
SEEN = 0.005  # a smaller weight gets no bar: it would be a hair's breadth
ACROSS = 112  # units a side of an image


def weight_map(
    weights: Sequence[ArrayLike],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    titles: Sequence[str] = (),
    truth: Sequence[Sequence[tuple[int, int]]] = (),
    xlabel: str = "looked at",
    ylabel: str = "query",
) -> Figure:
    """Maps side by side, two to a row: the darker a cell, the larger the weight (white 0, full colour 1).

    Args:
        weights: one (T, S) map each, values in [0, 1].
        rows, columns: T and S short names of queries and of what they look at.
        titles: one for each map.
        truth: for each map the cells (row, column) where the weight should be; they get a frame.

    Raises:
        ValueError: no map, or one whose shape is not that of the names.
    """
    if not weights:
        raise ValueError("weights is empty: give at least one map")
    maps = [np.asarray(as_array(each), dtype=float) for each in weights]
    for each in maps:
        if each.shape != (len(rows), len(columns)):
            raise ValueError(f"{len(rows)} rows and {len(columns)} columns were named, got a map of {each.shape}")
    across = min(2, len(maps))
    down = -(-len(maps) // across)
    side = WIDTH / across * min(1.0, len(rows) / len(columns))
    figure, grid = subplots(down, across, height=down * (side + 0.35) + 0.3, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place >= len(maps):
            axes.set_axis_off()
            continue
        cells = np.empty((*maps[place].shape, 4))
        cells[..., :3], cells[..., 3] = to_rgb(COLOUR), maps[place].clip(0, 1)
        axes.imshow(cells, interpolation="none")
        for row, column in truth[place] if truth else ():
            axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=INK, linewidth=1))
        axes.set_xticks(range(len(columns)), columns)
        axes.set_yticks(range(len(rows)), rows)
        axes.grid(visible=False)
        axes.set_title(titles[place] if titles else "", loc="left")
        hide_spines(axes)
        axes.set_xlabel(xlabel if place >= len(maps) - across else "")
        axes.set_ylabel(ylabel if place % across == 0 else "")
    return figure


def text_attention(text: str, weights: ArrayLike, query: int) -> str:
    """Where the character at ``query`` looks: a bar over each character, as an SVG of a few hundred bytes.

    Args:
        text: T characters; spaces are drawn as dots.
        weights: the query's row of the map, shape (T,), in [0, 1]; the line at the top is 1.
        query: its place; it gets a frame, and what comes after it is drawn pale.

    Raises:
        ValueError: as many weights as there are not characters, or a query beyond them.
    """
    heights = np.asarray(as_array(weights), dtype=float)
    if heights.shape != (len(text),) or not 0 <= query < len(text):
        raise ValueError(
            f"{len(text)} characters need as many weights and a query among them, got {heights.shape}, {query}"
        )
    wide, low = len(text) * LETTER, TALL + 4

    def letters(start: int, end: int, opacity: str) -> str:
        places = " ".join(str(LETTER * i + LETTER // 2) for i in range(start, end))
        shown = html.escape(text[start:end].replace(" ", "·"))
        return f'<text x="{places}" y="{low + 16}" opacity="{opacity}">{shown}</text>' if shown else ""

    bars = "".join(
        f"M{LETTER * i + 2} {low}h{LETTER - 4}v-{TALL * height:.1f}h-{LETTER - 4}z"
        for i, height in enumerate(heights)
        if height > SEEN
    )
    return (
        f'<svg viewBox="0 0 {wide} {low + 24}" width="100%" aria-hidden="true" font-family="monospace" font-size="13" '
        f'text-anchor="middle" fill="currentColor" style="display:block;max-width:{1.6 * wide:.0f}px;margin:auto">'
        f'<path d="M0 4h{wide}M0 {4 + TALL // 2}h{wide}M0 {low}h{wide}" stroke="currentColor" opacity=".3"/>'
        f'<path d="{bars}" fill="{COLOUR}"/>'
        + letters(0, query + 1, "1")
        + letters(query + 1, len(text), ".6")
        + f'<path d="M{LETTER * query} {low + 3}h{LETTER}v18h-{LETTER}z" fill="none" stroke="{COLOUR}" '
        'stroke-width="2"/></svg>'
    )


def patch_attention(images: Sequence[ArrayLike], weights: Sequence[ArrayLike], query: tuple[int, int]) -> str:
    """Where one patch of each image looks, in colour over it; the strongest weight has the full colour.

    Args:
        images: (H, W) each, grey values in [0, 1].
        weights: one (rows, columns) map of patches each, the query's weights.
        query: the row and column of the patch that looks; it gets a white frame.

    Returns:
        An SVG with the images side by side, and under each how strong its strongest weight is.
    """
    parts = []
    for place, (image, each) in enumerate(zip(images, weights, strict=True)):
        pixels, found = np.asarray(as_array(image), dtype=float), np.asarray(as_array(each), dtype=float)
        cover = np.empty((*found.shape, 4))
        cover[..., :3], cover[..., 3] = to_rgb(COLOUR), 0.85 * found / found.max()
        left, size = place * (ACROSS + 12), ACROSS / len(found)
        for picture in (_png(pixels), _png(cover)):
            parts.append(
                f'<image x="{left}" width="{ACROSS}" height="{ACROSS}" href="{picture}" '
                'style="image-rendering:pixelated"/>'
            )
        parts.append(
            f'<rect x="{left + query[1] * size:g}" y="{query[0] * size:g}" width="{size:g}" height="{size:g}" '
            f'fill="none" stroke="#fff" stroke-width="2"/>'
            f'<text x="{left}" y="{ACROSS + 13}">at most {found.max():.2f}</text>'
        )
    wide = len(images) * (ACROSS + 12) - 12
    return (
        f'<svg viewBox="0 0 {wide} {ACROSS + 18}" width="100%" aria-hidden="true" font-size="9" fill="currentColor" '
        f'style="display:block;max-width:{2 * wide}px;margin:auto">{"".join(parts)}</svg>'
    )


def _png(values: np.ndarray) -> str:
    """Values in [0, 1], (H, W) or (H, W, 4), as a data address."""
    with io.BytesIO() as file:
        Image.fromarray((255 * values.clip(0, 1)).round().astype(np.uint8)).save(file, format="png", optimize=True)
        return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
