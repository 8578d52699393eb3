"""The text of Python's own reference, its characters as numbers, and windows cut from it."""

from __future__ import annotations

import keyword

import pytest
import torch

from dlbasics.text import FEWEST_WORDS, Characters, language_reference, random_windows


@pytest.fixture(scope="module")
def reference() -> str:
    return language_reference()


def test_the_reference_is_long_plain_and_each_paragraph_is_there_once(reference):
    paragraphs = reference.split("\n")
    assert len(reference) > 100_000
    assert reference.isascii()
    assert len(set(paragraphs)) == len(paragraphs)
    for paragraph in paragraphs:
        assert len(paragraph.split()) >= FEWEST_WORDS
        assert paragraph == " ".join(paragraph.split())
        assert paragraph.endswith((".", ":"))


def test_the_reference_is_prose_about_python_without_grammar_and_sessions(reference):
    words = set(reference.replace('"', " ").split())
    assert len({"while", "lambda", "yield", "import", "class"} & words & set(keyword.kwlist)) == 5
    assert "::=" not in reference
    assert ">>>" not in reference


def test_the_reference_is_the_same_each_time(reference):
    assert language_reference() == reference


def test_characters_are_sorted_and_each_occurs_once():
    assert Characters.of("banana\n").symbols == "\nabn"
    assert len(Characters.of("banana\n")) == 4


def test_a_text_comes_back_from_its_numbers(reference):
    characters = Characters.of(reference)
    numbers = characters.encode(reference)
    assert numbers.dtype == torch.int64
    assert numbers.min() == 0
    assert numbers.max() == len(characters) - 1
    assert characters.decode(numbers) == reference


def test_a_character_outside_the_vocabulary_is_named():
    with pytest.raises(ValueError, match=r"not in the vocabulary: \['x', 'é'\]"):
        Characters("abc").encode("axbé")


def test_nothing_is_encoded_as_nothing():
    assert Characters("abc").encode("").shape == (0,)
    assert Characters("abc").decode(torch.tensor([], dtype=torch.int64)) == ""


def test_windows_are_stretches_of_the_text_from_everywhere_in_it():
    windows = random_windows(torch.arange(20), n=500, length=6, generator=torch.Generator().manual_seed(0))
    assert torch.equal(windows, windows[:, :1] + torch.arange(6))
    assert set(windows[:, 0].tolist()) == set(range(15))


def test_windows_follow_their_generator():
    first, again, other = (
        random_windows(torch.arange(99), n=8, length=5, generator=torch.Generator().manual_seed(seed))
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_text_as_long_as_its_window_has_one_and_a_shorter_one_none():
    assert torch.equal(random_windows(torch.arange(4), n=2, length=4), torch.arange(4).expand(2, 4))
    with pytest.raises(ValueError, match="windows of 5 characters need a text at least as long, got 4"):
        random_windows(torch.arange(4), n=2, length=5)
