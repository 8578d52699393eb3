"""A real text that every Python carries: the prose of its own language reference, as characters and as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pydoc_data.topics import topics

import torch
from torch import Tensor

FEWEST_WORDS = 8  # a paragraph with fewer is a heading, a grammar rule or a line of code


def language_reference() -> str:
    """The prose of Python's language reference (what ``help("topics")`` shows), about 190,000 characters.

    One paragraph a line, without headings, grammar and code. The text differs a little from one Python version to the
    next.

    Source: the Python Software Foundation, under the PSF licence; it comes with Python itself.
    """
    paragraphs = (" ".join(block.split()) for topic in topics.values() for block in topic.split("\n\n"))
    kept = dict.fromkeys(p for p in paragraphs if _is_prose(p))  # some topics repeat each other's paragraphs
    return "\n".join(kept)


def _is_prose(paragraph: str) -> bool:
    return (
        paragraph.isascii()
        and paragraph.endswith((".", ":"))
        and len(paragraph.split()) >= FEWEST_WORDS
        and "::=" not in paragraph
        and ">>>" not in paragraph
    )


@dataclass(frozen=True)
class Characters:
    """The characters of a text and the number of each.

    Attributes:
        symbols: every character once, sorted; the place of a character is its number.
    """

    symbols: str

    @classmethod
    def of(cls, text: str) -> Characters:
        """All characters that occur in ``text``."""
        return cls("".join(sorted(set(text))))

    def __len__(self) -> int:
        return len(self.symbols)

    def encode(self, text: str) -> Tensor:
        """The numbers of a text's characters, int64, shape (T,).

        Raises:
            ValueError: a character that is not among ``symbols``.
        """
        numbers = {symbol: number for number, symbol in enumerate(self.symbols)}
        unknown = sorted(set(text) - numbers.keys())
        if unknown:
            raise ValueError(f"these characters are not in the vocabulary: {unknown}")
        return torch.tensor([numbers[symbol] for symbol in text], dtype=torch.int64)

    def decode(self, numbers: Tensor) -> str:
        """The text of a row of numbers, shape (T,)."""
        return "".join(self.symbols[number] for number in numbers.tolist())


def random_windows(text: Tensor, *, n: int, length: int, generator: torch.Generator | None = None) -> Tensor:
    """``n`` stretches of a text at random places, shape (n, length).

    Args:
        text: numbers of characters, shape (T,), T >= length.

    Raises:
        ValueError: a text shorter than ``length``.
    """
    if len(text) < length:
        raise ValueError(f"windows of {length} characters need a text at least as long, got {len(text)}")
    starts = torch.randint(len(text) - length + 1, (n,), generator=generator)
    return text[starts[:, None] + torch.arange(length)]
