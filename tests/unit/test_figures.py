import base64
import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator

import matplotlib.pyplot as plt
import matplotlib.style
import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from matplotlib.figure import Figure
from PIL import Image

from dlbasics import figures
from dlbasics.annotate import _spread
from dlbasics.look import CURVE_COLOURS, INK, METHOD_MARKERS, PAPER

SVG = "{http://www.w3.org/2000/svg}"
XLINK = "{http://www.w3.org/1999/xlink}"


@pytest.fixture
def displayed() -> Iterator[Callable[[Callable[[], None]], list[dict]]]:
    """Call something and get what it displayed in a notebook, as MIME bundles."""
    InteractiveShell.instance()

    def run(action: Callable[[], None]) -> list[dict]:
        with capture_output() as captured:
            action()
        return [output.data for output in captured.outputs]

    yield run
    InteractiveShell.clear_instance()


def wave() -> Figure:
    figure, axes = figures.subplots()
    axes.plot([0, 1, 2], [0, 1, 0], marker="o")
    axes.set(xlabel="step", ylabel="loss $L^2$", title="a < b & c")
    return figure


def svg_of(figure: Figure, alt: str = "A wave.") -> ET.Element:
    written = figures.as_html(figure, alt=alt)
    found = ET.fromstring(written).find(f"{SVG}svg")
    assert found is not None
    return found


def texts(figure: Figure) -> list[str]:
    return ["".join(node.itertext()) for node in svg_of(figure).iter(f"{SVG}text")]


def picture_in(figure: Figure) -> np.ndarray:
    (image,) = svg_of(figure).iter(f"{SVG}image")
    data = image.attrib[f"{XLINK}href"].split("base64,")[1]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA"))


# ---- what every figure is ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alt", ["", "  \n", None])
def test_a_figure_without_words_for_those_who_cannot_see_it_is_refused(alt: str) -> None:
    with pytest.raises(ValueError, match="alt must say in a sentence"):
        figures.show(wave(), alt=alt)
    with pytest.raises(ValueError, match="alt must say in a sentence"):
        figures.show(go.Figure(), alt=alt)


def test_the_alternative_text_arrives_as_it_was_written() -> None:
    alt = 'The loss "falls" to 0 < 1 & stays there.'
    svg = svg_of(wave(), alt)
    assert svg.attrib["role"] == "img"
    assert svg.attrib["aria-label"] == alt


def test_text_and_axes_take_the_colour_of_the_page() -> None:
    written = figures.as_html(wave(), alt="A wave.")
    assert "currentColor" in written
    assert INK not in written
    assert not re.search(r"#000(000)?\b", written)
    assert 'fill: currentColor">step<' in re.sub(r' (?:x|y|transform)="[^"]*"', "", written)


def test_what_is_drawn_in_paper_takes_the_background_of_the_page() -> None:
    figure, axes = figures.subplots()
    axes.plot([0, 1], color=PAPER)
    written = figures.as_html(figure, alt="A line of the background's colour.")
    assert PAPER not in written
    assert "stroke: var(--pst-color-background" in written


def test_text_stays_text_in_the_font_of_the_page() -> None:
    assert {"step", "a < b & c"} <= set(texts(wave()))
    assert "DejaVu" not in figures.as_html(wave(), alt="A wave.")


def test_a_figure_reaches_beyond_itself_with_nothing() -> None:
    written = figures.as_html(wave(), alt="A wave.")
    for leak in ("<style", "<?xml", "<!DOCTYPE", "<metadata", "http://matplotlib"):
        assert leak not in written, leak


def test_a_figure_scales_with_its_column() -> None:
    svg = svg_of(wave())
    assert svg.attrib["width"] == "100%"
    assert "height" not in svg.attrib
    assert [float(number) for number in svg.attrib["viewBox"].split()] == pytest.approx([0, 0, 403.2, 244.8])


def test_figures_on_one_page_share_no_id_and_every_reference_finds_its_own() -> None:
    pages = [figures.as_html(wave(), alt="A wave.") for _ in range(2)]
    ids = [set(re.findall(r' id="([^"]+)"', page)) for page in pages]
    assert ids[0]
    assert not ids[0] & ids[1]
    for own, page in zip(ids, pages, strict=True):
        assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', page)) == own


def test_a_shown_figure_is_not_shown_again_by_pyplot(displayed: Callable) -> None:
    figure, axes = plt.subplots()
    axes.plot([1, 2])
    (bundle,) = displayed(lambda: figures.show(figure, alt="A line.", caption="Rises & rises"))
    assert "<svg" in bundle["text/html"]
    assert "Rises &amp; rises</figcaption>" in bundle["text/html"]
    assert not plt.get_fignums()


def test_in_the_book_a_plotly_figure_is_its_data_and_its_words_alone(
    displayed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLBASICS_BOOK", "1")
    figure = figures.label_curves([10, 100], {"scratch": ([0.4, 0.7], [0.01, 0.02])})
    (bundle,) = displayed(lambda: figures.show(figure, alt="Accuracy rises."))
    assert set(bundle) == {"application/vnd.plotly.v1+json"}
    content = bundle["application/vnd.plotly.v1+json"]
    assert content["layout"]["meta"]["alt"] == "Accuracy rises."
    assert go.Figure(content).data[0].name == "From scratch"


def test_what_is_no_figure_is_named() -> None:
    with pytest.raises(TypeError, match="matplotlib or plotly figure can be shown, got list"):
        figures.show([1, 2], alt="A list.")  # type: ignore[arg-type]


# ---- colours -------------------------------------------------------------------------------------------------------


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def test_curves_stand_out_on_white_and_on_the_dark_page() -> None:
    # WCAG 2.2, 1.4.11: graphical objects need 3:1. The dark page is the theme's #14181e.
    for colour in CURVE_COLOURS:
        assert contrast(colour, "#ffffff") >= 3, colour
        assert contrast(colour, "#14181e") >= 3, colour


def test_every_method_has_one_colour_one_name_and_one_marker() -> None:
    assert set(figures.METHOD_COLOURS) == set(figures.METHOD_LABELS) == set(METHOD_MARKERS)
    assert len(set(figures.METHOD_COLOURS.values())) == len(set(METHOD_MARKERS.values())) == len(figures.METHOD_COLOURS)


def test_the_ten_classes_are_matplotlibs_petroff10() -> None:
    cycle = matplotlib.style.library["petroff10"]["axes.prop_cycle"].by_key()["color"]
    assert list(figures.CLASS_COLOURS) == cycle


# ---- the plots -----------------------------------------------------------------------------------------------------


def test_a_grid_shows_each_image_pixel_for_pixel() -> None:
    images = torch.rand(5, 1, 9, 7)
    mosaic = picture_in(figures.image_grid(images, columns=3))
    gap = 1
    for index, image in enumerate(images):
        top, left = index // 3 * (9 + gap), index % 3 * (7 + gap)
        tile = mosaic[top : top + 9, left : left + 7]
        np.testing.assert_array_equal(tile[..., 0], np.round(image[0].numpy() * 255))
        assert (tile[..., 3] == 255).all()
    assert (mosaic[9 : 9 + gap, :, 3] == 0).all()


def test_titles_stand_over_their_images() -> None:
    assert texts(figures.image_grid(np.zeros((2, 4, 4)), ["Sneaker", "Bag"])) == ["Sneaker", "Bag"]


@pytest.mark.parametrize(
    ("images", "titles", "message"),
    [
        (np.zeros((2, 5)), None, r"got \(2, 5\)"),
        (np.full((1, 4, 4), 7.0), None, r"lie in \[0, 1\] .* got values from 7 to 7"),
        (np.zeros((2, 4, 4)), ["one"], "2 images need 2 titles, got 1"),
        (np.zeros((0, 1, 4, 4)), None, r"got \(0, 1, 4, 4\)"),
    ],
)
def test_a_grid_says_what_is_wrong_with_its_images(images: np.ndarray, titles: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        figures.image_grid(images, titles)


def test_a_history_draws_loss_and_accuracy_and_where_it_stopped() -> None:
    figure = figures.history(
        {
            "step": [0, 10, 20],
            "train_loss": [2, 1, 0.5],
            "validation_loss": [2, 1.2, 1.3],
            "validation_accuracy": [0.1, None, 0.7],
        },
        stopped_at=10,
    )
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy"]
    np.testing.assert_array_equal(figure.axes[1].lines[0].get_xydata(), [[0, 0.1], [20, 0.7]])
    assert "weights kept" in texts(figure)


def test_a_history_without_accuracy_has_one_panel() -> None:
    assert len(figures.history({"epoch": [1, 2], "train_loss": [2, 1]}).axes) == 1


def test_a_history_that_says_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"got \['learning_rate', 'step'\]"):
        figures.history({"step": [1], "learning_rate": [0.1]})


def test_columns_of_unequal_length_are_named() -> None:
    with pytest.raises(ValueError, match=r"train_loss must have shape \(3,\), got \(2,\)"):
        figures.history({"step": [1, 2, 3], "train_loss": [1, 2]})
    with pytest.raises(ValueError, match=r"cosine must have shape \(2,\), got \(3,\)"):
        figures.lines([1, 2], {"cosine": [1, 2, 3]}, xlabel="step", ylabel="rate")


def test_curves_carry_their_names_and_methods_their_colours() -> None:
    figure = figures.lines(
        torch.arange(3),
        {"contrastive": torch.tensor([1.0, 2.0, 3.0], dtype=torch.bfloat16, requires_grad=True), "mine": [3, 2, 1]},
        xlabel="step",
        ylabel="accuracy",
        level={"chance": 0.1},
        mark={"warm-up ends": 1},
    )
    assert {"Contrastive", "mine", "chance", "warm-up ends"} <= set(texts(figure))
    assert figure.axes[0].lines[0].get_color() == figures.METHOD_COLOURS["contrastive"]


@given(st.dictionaries(st.text(min_size=1), st.floats(-1, 2), max_size=6))
def test_names_at_the_ends_keep_their_distance_and_their_order(places: dict[str, float]) -> None:
    moved = _spread(places, 0.1)
    assert set(moved) == set(places)
    assert (np.diff(sorted(moved.values())) >= 0.1 - 1e-3).all()
    order = sorted(places, key=lambda name: places[name])
    assert [moved[name] for name in order] == sorted(moved.values())


def test_an_interval_that_holds_zero_is_drawn_hollow() -> None:
    figure = figures.paired_differences(
        [10, 100], [0.01, 0.05], [-0.02, 0.03], [0.04, 0.07], better="contrastive", than="scratch"
    )
    points = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [point.get_markerfacecolor() for point in points] == ["none", figures.METHOD_COLOURS["contrastive"]]
    assert {"+1.0", "+5.0", "10 labels", "Contrastive better →"} <= set(texts(figure))


def test_a_mean_outside_its_interval_is_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"at 10 labels the mean 5 lies outside its interval \[1, 2\]"):
        figures.paired_differences([10], [0.05], [0.01], [0.02], better="contrastive", than="scratch")


def test_bars_write_value_and_spread() -> None:
    written = texts(figures.bars(["knn", "mine"], [0.5, 0.25], [0.01, 0.02], xlabel="accuracy", chance=0.1))
    assert {"kNN on pixels", "mine", "0.500 ± 0.010", "0.250 ± 0.020", "chance"} <= set(written)


def test_a_confusion_matrix_is_read_by_row() -> None:
    written = texts(figures.confusion([[3, 1], [0, 0]], ["bag", "shoe"]))
    assert written.count("75") == 1
    assert written.count("25") == 1


def test_a_confusion_matrix_of_other_classes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"2 class names need a matrix of shape \(2, 2\), got \(3, 3\)"):
        figures.confusion(np.eye(3), ["a", "b"])


def test_a_gradient_of_exactly_zero_has_no_place_on_a_logarithmic_axis() -> None:
    figure = figures.gradients(["first", "last"], {"sigmoid": [0.0, 1e-3]})
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_xydata(), [[1e-3, 1]])
    assert "sigmoid" not in texts(figure)  # one network needs no legend


def test_each_histogram_sums_to_one() -> None:
    rng = np.random.default_rng(0)
    figure = figures.histogram({"train": rng.normal(size=500), "test": rng.normal(2, 1, 90)}, xlabel="brightness")
    for stairs in figure.axes[0].patches:
        assert stairs.get_data().values.sum() == pytest.approx(1)


def test_a_histogram_of_what_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="finite numbers"):
        figures.histogram({"broken": [1.0, np.nan]}, xlabel="brightness")


def test_every_point_of_a_scatter_is_a_dot_of_few_bytes_in_the_colour_of_its_class() -> None:
    points, classes = torch.randn(4000, 2), torch.arange(4000) % 4 // 3
    written = figures.as_html(figures.scatter(points, classes, ["bag", "shoe"]), alt="Two clouds.")
    for k, count in ((0, 3000), (1, 1000)):
        paths = re.findall(rf'<path d="([^"]*)"[^>]*stroke: {figures.CLASS_COLOURS[k]}', written)
        assert sum(path.count("h0") for path in paths) == count
    assert len(written) < 40 * 4000


def test_points_that_are_not_in_the_plane_are_refused() -> None:
    with pytest.raises(ValueError, match=r"must have shape \(N, 2\), got \(4, 3\)"):
        figures.scatter(torch.zeros(4, 3))


def test_label_curves_say_mean_and_spread_on_hover() -> None:
    figure = figures.label_curves(
        [10, 1000], {"contrastive": ([0.5, 0.8], [0.04, 0.003]), "pixels": ([0.4, 0.7], None)}, chance=0.1
    )
    contrastive, pixels = figure.data
    assert contrastive.text == ("10 labels: 0.500 ± 0.040", "1,000 labels: 0.800 ± 0.003")
    assert contrastive.line.color == figures.METHOD_COLOURS["contrastive"]
    np.testing.assert_allclose(contrastive.y, [0.5, 0.8])
    np.testing.assert_allclose(contrastive.x, [10, 1000], rtol=0.05)
    assert pixels.error_y.array is None
    assert figure.layout.xaxis.type == "log"


def test_no_labels_at_all_have_no_place_on_a_logarithmic_axis() -> None:
    with pytest.raises(ValueError, match="must be positive on a logarithmic axis, got 0"):
        figures.label_curves([0, 10], {"scratch": ([0.1, 0.5], None)})
