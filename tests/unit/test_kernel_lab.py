import itertools
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Page
from torch.nn import functional as F

from dlbasics import data
from dlbasics.kernel_lab import HERE, PRESETS, KernelLab


def lab(**changes: Any) -> KernelLab:
    generator = np.random.default_rng(0)
    settings: dict[str, Any] = {
        "images": {"shirt": generator.random((7, 9)), "bag": generator.random((1, 7, 9))},
        "alt": "A kernel over two images.",
    }
    return KernelLab(**{**settings, **changes})


def images_of(widget: KernelLab) -> np.ndarray:
    return np.frombuffer(widget.pixels, np.uint8).reshape(len(widget.image_names), *widget.size)


def test_every_image_arrives_to_the_nearest_of_256_greys() -> None:
    images = np.random.default_rng(1).random((2, 7, 9))
    widget = lab(images={"shirt": images[0], "bag": torch.tensor(images[1])})
    assert (widget.image_names, widget.size) == (["shirt", "bag"], [7, 9])
    np.testing.assert_allclose(images_of(widget) / 255, images, atol=0.5 / 255)


def test_bytes_stay_as_they_are() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    np.testing.assert_array_equal(images_of(lab(images={"ramp": image}))[0], image)


def test_the_presets_are_handed_over_row_by_row() -> None:
    widget = lab(presets={"ramp": [[0, 1, 2], [3, 4, 5], [6, 7, 8]]})
    assert (widget.preset_names, widget.presets) == (["ramp"], [[0, 1, 2, 3, 4, 5, 6, 7, 8]])


@pytest.mark.parametrize(
    ("name", "ramp", "expected"),
    [
        ("identity", "down", 0.5),  # the image's own value in the middle
        ("blur", "across", 0.5),
        ("horizontal edges", "down", 6 * 0.25),  # brightness that grows downwards by 1/4 a pixel
        ("horizontal edges", "across", 0),
        ("vertical edges", "across", 6 * 0.25),
        ("vertical edges", "down", 0),
        ("sharpen", "across", 0.5),  # a slope has no edge to sharpen
    ],
)
def test_a_preset_does_to_a_slope_what_its_name_says(name: str, ramp: str, expected: float) -> None:
    slope = torch.linspace(0, 1, 5).expand(5, 5)
    image = slope if ramp == "across" else slope.T
    result = F.conv2d(image[None, None], torch.tensor(PRESETS[name]).float()[None, None])
    assert result[0, 0, 1, 1].item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": {}}, "images is empty"),
        ({"presets": {}}, "presets is empty"),
        ({"images": {"a": np.zeros((7, 9)), "b": np.zeros((9, 7))}}, r"one size, got .*\(7, 9\).*\(9, 7\)"),
        ({"images": {"a": np.zeros((2, 9))}}, r"'a' must have shape .* got \(2, 9\)"),
        ({"images": {"a": np.full((7, 9), 255.0)}}, "'a' must lie in .* from 255 to 255"),
        ({"images": {"a": np.full((7, 9), np.nan)}}, "'a' must lie in .* from nan to nan"),
        ({"presets": {"row": [[1, 2, 3]]}}, "the preset 'row' must be a 3x3 kernel"),
        ({"presets": {"nan": [[float("nan")] * 3] * 3}}, "the preset 'nan' must be a 3x3 kernel of finite numbers"),
        ({"alt": ""}, "alt must say in a sentence"),
    ],
)
def test_what_cannot_be_convolved_is_named(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lab(**changes)


# ---- in a browser --------------------------------------------------------------------------------------------------

# Stands for the widget's model as anywidget hands it to `render`: nothing but `get`, binary traits as DataViews.
OPEN = """async ({source, state, pixels}) => {
  state.pixels = new DataView(new Uint8Array(pixels).buffer);
  const url = URL.createObjectURL(new Blob([source], {type: "text/javascript"}));
  window.lab = await import(url);
  window.lab.default.render({model: {get: (name) => state[name]}, el: document.getElementById("here")});
}"""

CONVOLVE = """(cases) => cases.map(({image, size, kernel, stride, padding}) => {
  const {values, height, width} = lab.convolve(image, size, kernel, stride, padding);
  return {values: [...values], height, width};
})"""


def open_lab(page: Page, widget: KernelLab) -> None:
    style, source = HERE / "kernel_lab.css", HERE / "kernel_lab.js"
    page.set_content(f"<style>{style.read_text(encoding='utf-8')}</style><div id=here></div>")
    state = {name: getattr(widget, name) for name in ("alt", "image_names", "size", "preset_names", "presets")}
    page.evaluate(OPEN, {"source": source.read_text(encoding="utf-8"), "state": state, "pixels": list(widget.pixels)})
    page.wait_for_selector(".dlb-kernel[data-ready]")


@pytest.mark.browser
def test_the_browser_convolves_as_torch_does_and_a_reader_edits_the_kernel(
    chromium: Browser, course: data.Dataset
) -> None:
    garment = course.validation.pixels[0, 0]
    oblong = torch.rand(7, 9, generator=torch.Generator().manual_seed(0))
    own = torch.randn(9, generator=torch.Generator().manual_seed(1)).tolist()
    page = chromium.new_page(viewport={"width": 390, "height": 900})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    open_lab(page, lab(images={"garment": garment, "upside down": garment.flip(0)}))

    kernels = [np.ravel(preset).tolist() for preset in PRESETS.values()] + [own]
    cases = list(itertools.product((garment, oblong), kernels, (1, 2, 3), (0, 1, 2)))
    answers = page.evaluate(
        CONVOLVE,
        [
            {"image": image.flatten().tolist(), "size": list(image.shape), "kernel": kernel,
             "stride": stride, "padding": padding}
            for image, kernel, stride, padding in cases
        ],
    )  # fmt: skip
    for (image, kernel, stride, padding), answer in zip(cases, answers, strict=True):
        weights = torch.tensor(kernel).double().view(1, 1, 3, 3)
        expected = F.conv2d(image.double()[None, None], weights, stride=stride, padding=padding)[0, 0]
        assert (answer["height"], answer["width"]) == expected.shape
        np.testing.assert_allclose(answer["values"], expected.flatten(), atol=1e-12)

    assert page.evaluate("document.documentElement.scrollWidth") == 390
    said, target = page.locator(".dlb-kernel-sum"), page.locator("canvas[tabindex]")
    assert page.get_by_text("result, 28 × 28").is_visible()

    # The identity gives the pixel back; doubled by hand, twice the pixel; the arrow key takes half a step.
    middle = garment[14, 14].item()
    assert str(said.text_content()).endswith(f"1·{middle:.2g} = {middle:.2g}")
    weight = page.get_by_label("Weight in row 2, column 2")
    weight.fill("2")
    assert page.get_by_label("Kernel", exact=True).locator("option:checked").text_content() == "your own"
    assert str(said.text_content()).endswith(f"= {2 * middle:.3g}")
    weight.press("ArrowDown")
    assert weight.input_value() == "1.5"
    weight.fill("")
    assert str(said.text_content()).endswith(f"= {1.5 * middle:.3g}")  # what is no number changes nothing

    page.get_by_label("Kernel", exact=True).select_option("horizontal edges")
    page.get_by_label("Stride", exact=True).select_option("2")
    page.get_by_label("Padding", exact=True).select_option("0")
    assert page.get_by_text("result, 13 × 13").is_visible()
    assert page.get_by_text("13 = ⌊(28 + 2·0 − 3) / 2⌋ + 1").is_visible()
    target.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    assert str(said.text_content()).startswith("Row 6, column 6: ")
    page.get_by_label("Image", exact=True).select_option("upside down")
    assert str(said.text_content()).startswith("Row 6, column 6: ")
    assert errors == []
    page.close()
