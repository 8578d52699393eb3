import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Browser, Page

from dlbasics import figures
from dlbasics.atlas import HERE, LEVELS, Atlas

CORNERS = [[0.0, 0.0], [4.0, 0.0], [0.0, 2.0], [4.0, 2.0]]


def atlas(**changes: Any) -> Atlas:
    settings: dict[str, Any] = {
        "maps": {"PCA": CORNERS, "UMAP, seed 0": np.zeros((4, 2))},
        "labels": [0, 1, 1, 0],
        "class_names": ["bag", "shoe"],
        "images": np.linspace(0, 1, 4 * 6 * 5).reshape(4, 1, 6, 5),
        "alt": "Two classes in four corners.",
    }
    return Atlas(**{**settings, **changes})


def positions_of(widget: Atlas) -> np.ndarray:
    return np.frombuffer(widget.positions, "<u2").reshape(-1, len(widget.labels), 2) / 65_535


def test_a_map_fills_the_square_without_distortion_and_points_down_as_on_a_screen() -> None:
    np.testing.assert_allclose(positions_of(atlas())[0], [[0, 0.75], [1, 0.75], [0, 0.25], [1, 0.25]], atol=1 / 65_535)


def test_points_that_coincide_stand_in_the_middle() -> None:
    np.testing.assert_allclose(positions_of(atlas())[1], 0.5, atol=1 / 65_535)


def test_tensors_and_arrays_make_the_same_atlas() -> None:
    images = torch.rand(4, 1, 6, 5)
    one = atlas(maps={"PCA": torch.tensor(CORNERS)}, labels=torch.tensor([0, 1, 1, 0]), images=images)
    other = atlas(maps={"PCA": CORNERS}, images=images.numpy())
    assert (one.positions, one.labels, one.sprite) == (other.positions, other.labels, other.sprite)


@pytest.mark.parametrize("channels", [1, 3])
def test_every_thumbnail_is_found_in_the_sprite(channels: int) -> None:
    images = np.random.default_rng(0).random((7, channels, 6, 5))
    widget = atlas(maps={"PCA": np.zeros((7, 2))}, labels=[0] * 7, images=images)
    sprite = np.asarray(Image.open(io.BytesIO(widget.sprite)).convert("RGB")) / 255
    width, height = widget.thumbnail
    assert (width, height) == (5, 6)
    for index, image in enumerate(images):
        top, left = index // widget.sprite_columns * height, index % widget.sprite_columns * width
        tile = sprite[top : top + height, left : left + width]
        np.testing.assert_allclose(tile, np.broadcast_to(image.transpose(1, 2, 0), tile.shape), atol=0.6 / (LEVELS - 1))


def test_the_classes_have_the_books_colours() -> None:
    assert atlas().colours == list(figures.CLASS_COLOURS[:2])


def test_every_combination_of_the_choices_has_its_map_the_last_choice_running_fastest() -> None:
    generator = np.random.default_rng(0)
    maps = {(method, step): generator.random((4, 2)) for method in ("a", "b") for step in (0, 1000)}
    widget = atlas(maps=maps, choices={"method": ["a", "b"], "step": [0, 1000]})
    assert widget.choices == [
        {"name": "method", "values": ["a", "b"], "slider": False},
        {"name": "step", "values": ["0", "1,000"], "slider": True},
    ]
    for number, combination in enumerate(maps):
        alone = atlas(maps={"x": maps[combination]})
        np.testing.assert_array_equal(positions_of(widget)[number], positions_of(alone)[0])
    with pytest.raises(KeyError, match=r"maps has no \('a', 20\) among its 4"):
        atlas(maps=maps, choices={"method": ["a", "b"], "step": [0, 1000, 20]})


def test_an_atlas_may_have_no_images() -> None:
    assert atlas(images=None).sprite == b""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"maps": {}}, "maps is empty"),
        ({"maps": {"PCA": np.zeros((3, 2))}}, r"4 labels need a map of shape \(4, 2\), got \(3, 2\) for 'PCA'"),
        ({"maps": {"PCA": np.full((4, 2), np.nan)}}, "the map 'PCA' must be finite, got 8 values"),
        ({"labels": [0, 1, 2, 0]}, r"labels must lie in \[0, 1\] for 2 class names, got 0 to 2"),
        ({"labels": [[0, 1, 1, 0]]}, r"labels must have shape \(N,\) .* got \(1, 4\)"),
        ({"images": np.zeros((3, 1, 6, 5))}, "4 labels need 4 images, got 3"),
        ({"images": np.full((4, 1, 6, 5), 255.0)}, r"lie in \[0, 1\]"),
        ({"colours": ["red"]}, "2 classes need 2 colours, got 1"),
        ({"alt": ""}, "alt must say in a sentence"),
    ],
)
def test_what_does_not_belong_together_is_named(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        atlas(**changes)


# ---- in a browser --------------------------------------------------------------------------------------------------

# Stands for the widget's model as anywidget hands it to `render`: nothing but `get`, binary traits as DataViews.
OPEN = """async ({source, state, binary}) => {
  for (const [name, bytes] of Object.entries(binary)) state[name] = new DataView(new Uint8Array(bytes).buffer);
  const url = URL.createObjectURL(new Blob([source], {type: "text/javascript"}));
  const {default: atlas} = await import(url);
  atlas.render({model: {get: (name) => state[name]}, el: document.getElementById("here")});
}"""


def open_atlas(page: Page, widget: Atlas) -> None:
    style, source = HERE / "atlas.css", HERE / "atlas.js"
    page.set_content(
        f"<style>{style.read_text(encoding='utf-8')}</style><div id=here></div><div style='height:3000px'></div>"
    )
    plain = ("alt", "choices", "class_names", "colours", "sprite_columns", "thumbnail")
    state = {name: getattr(widget, name) for name in plain}
    binary = {name: list(getattr(widget, name)) for name in ("positions", "labels", "sprite")}
    page.evaluate(OPEN, {"source": source.read_text(encoding="utf-8"), "state": state, "binary": binary})
    page.wait_for_selector(".dlb-atlas[data-ready]")


@pytest.mark.browser
def test_a_reader_finds_images_by_pointer_and_keys_hides_classes_and_is_not_trapped(chromium: Browser) -> None:
    page = chromium.new_page(viewport={"width": 390, "height": 700}, reduced_motion="reduce")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    open_atlas(page, atlas(maps={"PCA": CORNERS, "turned": [[0, 0], [0, 4], [2, 0], [2, 4]]}))
    canvas, card = page.locator("canvas.dlb-atlas-canvas"), page.locator(".dlb-atlas-card")
    box = canvas.bounding_box()
    assert box is not None
    assert page.evaluate("document.documentElement.scrollWidth") == 390

    # The first point of CORNERS lies 18 px from the left edge, a quarter of the square above the lower one.
    side = min(box["width"], box["height"]) - 36
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(middle[0] - side / 2 + 3, middle[1] + side / 4)
    assert card.is_visible()
    assert card.text_content() == "bag"
    page.mouse.move(*middle)
    assert not card.is_visible()

    page.mouse.wheel(0, 300)
    page.wait_for_function("scrollY === 300")
    page.evaluate("scrollTo(0, 0)")

    canvas.focus()
    page.keyboard.press("ArrowLeft")
    spoken = page.locator("[aria-live]")
    seen = [spoken.text_content()]
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
        seen.append(spoken.text_content())
    assert {text and text.split(",")[0] for text in seen} == {"bag", "shoe"}
    assert len(set(seen)) == 4  # it went round the corners

    shoe = page.get_by_role("button", name="shoe")
    shoe.click()
    assert shoe.get_attribute("aria-pressed") == "false"
    page.mouse.move(middle[0] + side / 2, middle[1] + side / 4)
    assert not card.is_visible()
    page.get_by_role("button", name="Show all").click()
    page.mouse.move(middle[0] + side / 2, middle[1] + side / 4)
    assert card.text_content() == "shoe"

    page.get_by_role("combobox").select_option("turned")
    page.mouse.move(middle[0] - side / 4, middle[1] - side / 2)
    assert card.text_content() == "shoe"
    page.get_by_role("button", name="Zoom in").click()
    page.mouse.move(middle[0] - side / 4, middle[1] - side / 2)
    assert not card.is_visible()
    page.get_by_role("button", name="Reset the view").click()
    page.mouse.move(middle[0] - side / 4, middle[1] - side / 2)
    assert card.is_visible()

    # The same with a list and a slider: every combination shows its own map.
    places = {
        ("first", 0): CORNERS,
        ("first", 1): np.roll(CORNERS, 3, axis=0),
        ("second", 0): np.roll(CORNERS, 1, axis=0),
        ("second", 1): np.roll(CORNERS, 2, axis=0),
    }
    open_atlas(page, atlas(maps=places, labels=[0, 0, 0, 1], choices={"method": ["first", "second"], "step": [0, 1]}))
    seen = []
    for method in ("first", "second"):
        page.get_by_role("combobox", name="method").select_option(method)
        for key in ("Home", "End"):
            page.get_by_role("slider", name="step").press(key)
            assert page.locator("output").text_content() == str(int(key == "End"))
            page.wait_for_timeout(50)
            seen.append(page.locator("canvas.dlb-atlas-canvas").evaluate("c => c.toDataURL()"))
    assert len(set(seen)) == 4
    assert errors == []
    page.close()
