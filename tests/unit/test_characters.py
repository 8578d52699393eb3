"""The stored networks on characters come back as they were measured, and what they are compared on is the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from dlbasics import experiments, language
from dlbasics.experiments import characters
from dlbasics.text import language_reference

SMALL = characters.CHARACTERS.small().settings


def test_the_vocabulary_holds_every_character_of_this_machines_text():
    assert set(language_reference()) <= set(characters.vocabulary().symbols)
    assert len(characters.vocabulary()) == 96


def test_the_text_is_cut_once_and_nothing_is_lost():
    text, held_out = characters.split(0.9, text="abcdefghij")
    assert characters.vocabulary().decode(text) == "abcdefghi"
    assert characters.vocabulary().decode(held_out) == "j"


def test_a_decoder_does_not_look_ahead_and_an_encoder_does():
    windows = characters.split(0.9)[0][: 2 * SMALL["length"]].view(2, -1)
    changed = windows.clone()
    changed[:, -1] = (changed[:, -1] + 1) % 96
    for name, ahead in (("decoder", False), ("gru", False), ("masked", True)):
        model = characters.make_model(name, SMALL).eval()
        same = torch.equal(model(windows)[:, :-1], model(changed)[:, :-1])
        assert same is not ahead


def test_every_hole_keeps_room_for_the_neighbours_of_every_control():
    text = torch.arange(100)
    starts, at = characters.single_holes(text, n=500, length=16)
    reach = max(abs(offset) for neighbours in characters.NEIGHBOURS.values() for offset in neighbours)
    assert (at >= reach).all()
    assert (at < 16 - reach).all()
    assert (starts + 16 <= len(text)).all()
    again = characters.single_holes(text, n=500, length=16)
    assert torch.equal(starts, again[0])
    assert torch.equal(at, again[1])


def test_near_positions_start_more_alike_than_far_ones():
    model = characters.make_model("decoder", SMALL)
    positions = model.transformer.positions.detach()
    close = torch.nn.functional.normalize(positions, dim=1) @ torch.nn.functional.normalize(positions, dim=1).T
    assert (close.diagonal(1) > 0.8).all()
    assert close.diagonal(1).mean() > close.diagonal(5).mean() + 0.1


@pytest.fixture(scope="module")
def stored() -> experiments.Result:
    return experiments.load("characters")


def test_the_stored_decoder_still_needs_the_bits_that_were_measured(stored):
    model, symbols = characters.load_model("decoder")
    _, held_out = characters.split(stored.settings["share"])
    assert symbols.symbols == stored["symbols"]
    bits = language.bits_per_character(model, held_out, length=stored.settings["length"])
    assert bits == pytest.approx(stored["bits"]["decoder"][0][-1], abs=0.03)  # the text depends a little on the Python


def test_the_stored_encoder_fills_a_hole_that_both_sides_give_away():
    model, symbols = characters.load_model("masked")
    line = symbols.encode("If the object is a class instance, the method is called.")
    hidden = torch.zeros(len(line), dtype=torch.bool)
    hidden[[8, 19, 35, 43]] = True
    filled = language.fill_in(model, line, hidden, mask_symbol=len(symbols))
    assert (filled.argmax(dim=1) == line[hidden]).float().mean() >= 0.75


def test_the_networks_beat_the_controls_that_the_page_puts_beside_them(stored):
    counts = stored["counts"]
    for name in ("gru", "decoder"):
        assert all(curve[-1] < counts["3"] for curve in stored["bits"][name])
    filled = stored["filled"]
    assert min(filled["masked"]) > max(filled["decoder"])
    assert min(filled["decoder"]) > filled["two before"][0] > filled["most common"][0]


def test_the_weights_are_small_enough_to_be_tracked():
    for name in ("decoder", "masked"):
        path = Path(experiments.RESULTS, f"characters-{name}.safetensors")
        assert path.stat().st_size < 400_000
    assert len(json.dumps(experiments.load("characters").values)) < 60_000
