"""An atlas of an embedding: its maps in the plane, and the image behind each point, explored in the browser alone."""

import io
import itertools
import math
import numbers
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from dlbasics.columns import as_array, as_rgb
from dlbasics.figures import checked_alt
from dlbasics.look import CLASS_COLOURS

# 16 bits place a point to a hundredth of a pixel.
STEPS = 65_535
# Grey levels of a thumbnail: nobody misses the others, and the PNG is a third smaller.
LEVELS = 32
HERE = Path(__file__).parent


class Atlas(anywidget.AnyWidget):
    """Points on one or several maps, coloured by class, each with its image; needs no kernel once displayed.

    Pointer, touch and keyboard show the image behind a point; the legend hides classes; one map moves into another.

    Args:
        maps: a name and its points, shape (N, 2), finite; the first is shown first.
        choices: for each control its values, numbers for a slider and words for a list; ``maps`` then has a key for
            each combination, a tuple in the order of the controls. None: one list of the maps' names.
        labels: the class of each point, integers in [0, K), shape (N,).
        class_names: K names, K <= 256.
        alt: what the maps show, in a sentence.
        images: shape (N, H, W), (N, 1, H, W) or (N, 3, H, W), floats in [0, 1] or uint8; None shows names only.
        colours: K colours; by default those of the book's ten classes.

    Raises:
        KeyError: a combination of the choices has no map.
        ValueError: shapes that do not belong together, points that are not finite, labels outside the classes.
    """

    _esm = HERE / "atlas.js"
    _css = HERE / "atlas.css"

    alt = traitlets.Unicode().tag(sync=True)
    # The controls in order: name, values in words, and whether it is a slider.
    choices = traitlets.List(traitlets.Dict()).tag(sync=True)
    class_names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    colours = traitlets.List(traitlets.Unicode()).tag(sync=True)
    # Little-endian uint16, shape (maps, N, 2), the last choice running fastest; x to the right and y down, 0 to 65,535
    # across the longer side.
    positions = traitlets.Bytes().tag(sync=True)
    labels = traitlets.Bytes().tag(sync=True)
    # All thumbnails in one PNG, in rows of `sprite_columns`; empty where there are no images.
    sprite = traitlets.Bytes().tag(sync=True)
    sprite_columns = traitlets.Int().tag(sync=True)
    thumbnail = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(
        self,
        maps: Mapping[Any, ArrayLike],
        *,
        labels: ArrayLike,
        class_names: Sequence[str],
        alt: str,
        choices: Mapping[str, Sequence[Any]] | None = None,
        images: Any = None,
        colours: Sequence[str] | None = None,
    ) -> None:
        classes = np.asarray(as_array(labels))
        if not maps:
            raise ValueError("maps is empty: give at least one name and its points")
        if classes.ndim != 1 or not len(classes):
            raise ValueError(f"labels must have shape (N,) with N >= 1, got {classes.shape}")
        if not 1 <= len(class_names) <= 256:
            raise ValueError(f"1 to 256 class names are possible, got {len(class_names)}")
        if classes.min() < 0 or classes.max() >= len(class_names):
            raise ValueError(
                f"labels must lie in [0, {len(class_names) - 1}] for {len(class_names)} class names, "
                f"got {classes.min()} to {classes.max()}"
            )
        if choices is None:
            choices, maps = {"Map": list(maps)}, {(name,): points for name, points in maps.items()}
        combinations = list(itertools.product(*choices.values()))
        if missing := [combination for combination in combinations if combination not in maps]:
            raise KeyError(f"maps has no {missing[0]} among its {len(maps)}: each combination of the choices needs one")
        palette = (
            [CLASS_COLOURS[k % len(CLASS_COLOURS)] for k in range(len(class_names))] if colours is None else colours
        )
        if len(palette) != len(class_names):
            raise ValueError(f"{len(class_names)} classes need {len(class_names)} colours, got {len(palette)}")
        png, columns, size = (b"", 1, [0, 0]) if images is None else _sprite(images, len(classes))
        super().__init__(
            alt=checked_alt(alt),
            choices=[_control(name, values) for name, values in choices.items()],
            class_names=list(class_names),
            colours=list(palette),
            positions=b"".join(
                _quantised(maps[c], ", ".join(map(str, c)), len(classes)).tobytes() for c in combinations
            ),
            labels=classes.astype(np.uint8).tobytes(),
            sprite=png,
            sprite_columns=columns,
            thumbnail=size,
        )


def _control(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """A choice as the browser is told of it."""
    numbers_only = all(isinstance(value, numbers.Real) and not isinstance(value, bool) for value in values)
    words = [f"{value:,}" if numbers_only else str(value) for value in values]
    return {"name": name, "values": words, "slider": numbers_only}


def _quantised(points: ArrayLike, name: str, count: int) -> NDArray[np.uint16]:
    """Points fitted into the square without distortion, y down as on a screen."""
    places = np.asarray(as_array(points), dtype=np.float64)
    if places.shape != (count, 2):
        raise ValueError(f"{count} labels need a map of shape ({count}, 2), got {places.shape} for {name!r}")
    if not np.isfinite(places).all():
        raise ValueError(f"the map {name!r} must be finite, got {(~np.isfinite(places)).sum()} values that are not")
    low, high = places.min(axis=0), places.max(axis=0)
    side = float((high - low).max()) or 1.0
    unit = 0.5 + (places - (low + high) / 2) / side
    unit[:, 1] = 1 - unit[:, 1]
    return np.round(unit * STEPS).astype("<u2")


def _sprite(images: Any, count: int) -> tuple[bytes, int, list[int]]:
    """All images in one PNG, the number in each row, and the size [W, H] of one."""
    pixels = as_rgb(images)
    if len(pixels) != count:
        raise ValueError(f"{count} labels need {count} images, got {len(pixels)}")
    _, height, width, _ = pixels.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    tiles = np.zeros((rows * columns, height, width, 3), np.uint8)
    step = 255 / (LEVELS - 1)
    tiles[:count] = np.round(np.round(pixels / step) * step)
    mosaic = tiles.reshape(rows, columns, height, width, 3).swapaxes(1, 2).reshape(rows * height, columns * width, 3)
    picture = Image.fromarray(mosaic)
    if (mosaic == mosaic[..., :1]).all():
        picture = picture.convert("L")
    with io.BytesIO() as file:
        picture.save(file, format="PNG")
        return file.getvalue(), columns, [width, height]
