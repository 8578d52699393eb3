"""Pictures of attention: what they draw, and that they are well formed and light."""

from __future__ import annotations

import base64
import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image

from dlbasics.attention_pictures import ACROSS, LETTER, TALL, patch_attention, text_attention, weight_map


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def test_a_map_draws_its_weights_as_opacity_and_frames_the_truth():
    weights = torch.tensor([[0.0, 0.25, 0.75], [1.0, 0.0, 0.0]])
    figure = weight_map([weights], ["p", "q"], ["a", "b", "c"], truth=[[(1, 0)]])
    (axes,) = figure.axes
    np.testing.assert_allclose(axes.images[0].get_array()[..., 3], weights.numpy())
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b", "c"]
    assert [patch.get_xy() for patch in axes.patches] == [(-0.5, 0.5)]


def test_maps_stand_two_to_a_row_with_their_titles():
    figure = weight_map([np.eye(2)] * 3, ["p", "q"], ["a", "b"], titles=["one", "two", "three"])
    assert [axes.get_title(loc="left") for axes in figure.axes[:3]] == ["one", "two", "three"]
    assert [axes.get_ylabel() for axes in figure.axes[:3]] == ["query", "", "query"]
    assert [axes.axison for axes in figure.axes] == [True, True, True, False]


def test_a_map_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"2 rows and 3 columns were named, got a map of \(2, 2\)"):
        weight_map([np.eye(2)], ["p", "q"], ["a", "b", "c"])
    with pytest.raises(ValueError, match="weights is empty"):
        weight_map([], ["p"], ["a"])


def test_each_character_has_a_bar_as_high_as_its_weight():
    svg = text_attention("a <b", torch.tensor([0.5, 0.0, 0.25, 0.25]), 2)
    heights = [float(height) for height in re.findall(r"v-([\d.]+)h", parsed(svg)[1].attrib["d"])]
    assert heights == [TALL / 2, TALL / 4, TALL / 4]
    texts = [element.text for element in parsed(svg).iter("text")]
    assert texts == ["a·<", "b"]
    assert parsed(svg)[-1].attrib["d"].startswith(f"M{2 * LETTER} ")
    assert len(svg) < 1500


def test_at_the_last_query_nothing_is_pale():
    assert [element.text for element in parsed(text_attention("abc", [0, 0, 1], 2)).iter("text")] == ["abc"]


@pytest.mark.parametrize(("weights", "query"), [([0.5, 0.5], 0), ([0, 0, 1], 3)])
def test_weights_for_another_text_are_refused(weights, query):
    with pytest.raises(ValueError, match="3 characters need as many weights and a query among them"):
        text_attention("abc", weights, query)


def test_each_image_lies_under_its_own_weights():
    image, weights = np.linspace(0, 1, 16).reshape(4, 4), np.array([[0.1, 0.2], [0.3, 0.4]])
    root = parsed(patch_attention([image, image], [weights, weights.T], (1, 0)))
    pictures = [
        Image.open(io.BytesIO(base64.b64decode(each.attrib["href"].split(",")[1]))) for each in root.iter("image")
    ]
    assert [picture.size for picture in pictures] == [(4, 4), (2, 2)] * 2
    np.testing.assert_allclose(np.asarray(pictures[0]) / 255, image, atol=0.003)
    np.testing.assert_allclose(np.asarray(pictures[3])[..., 3] / 255, 0.85 * weights.T / 0.4, atol=0.003)
    frames = [(float(each.attrib["x"]), float(each.attrib["y"])) for each in root.iter("rect")]
    assert frames == [(0, ACROSS / 2), (ACROSS + 12, ACROSS / 2)]
    assert [each.text for each in root.iter("text")] == ["at most 0.40"] * 2
