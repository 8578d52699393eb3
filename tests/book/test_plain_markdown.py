import pytest

from dlbasics_site.plain_markdown import plain_markdown


@pytest.mark.parametrize(
    ("myst", "plain"),
    [
        ("A {term}`backbone` and a {term}`head <projection head>`.", "A backbone and a head."),
        ("{cite}`chen2020simple,he2020moco` say so.", "[chen2020simple, he2020moco] say so."),
        ("It reaches {glue:text}`accuracy:.1%`.", "It reaches `accuracy`."),
        ("See [dense layers](../layers/dense.md#width).", "See [dense layers](../layers/dense.ipynb#width)."),
        ("A [link](https://example.org/a.md) elsewhere.", "A [link](https://example.org/a.md) elsewhere."),
        ("Inline {math}`x^2`.", "Inline $x^2$."),
        ("(a-target)=\n# Title\n% a comment\nText", "# Title\nText"),
        ("$$\nx\n$$ (eq-x)", "$$\nx\n$$"),
        ("```python\n:::{note}\n```", "```python\n:::{note}\n```"),
        ("{not a role} `code` and `{glue}`", "{not a role} `code` and `{glue}`"),
        ("```{bibliography}\n```", ""),
        (":::{figure} a.png\n:alt: A wave.\n\nThe caption.\n:::", "![A wave.](a.png)\n\nThe caption."),
    ],
)
def test_myst_becomes_what_jupyter_shows(myst: str, plain: str) -> None:
    assert plain_markdown(myst) == plain


def test_a_box_becomes_a_quotation_with_its_title() -> None:
    box = ":::{admonition} Predict\n:class: tip\nWhich **curve**?\n\nAnd why?\n:::\nAfter."
    assert plain_markdown(box) == "> **Predict**\n>\n> Which **curve**?\n>\n> And why?\n\nAfter."


def test_boxes_inside_a_grid_keep_their_words() -> None:
    grid = "::::{grid} 1 2\n:gutter: 2\n\n:::{grid-item-card} Layers\n:link: a\nWhat.\n:::\n::::"
    assert plain_markdown(grid) == "> **Layers**\n>\n> What."


def test_the_objectives_come_from_the_front_matter() -> None:
    promises = {"minutes": 12, "objectives": [{"id": "a", "can": "see"}, "hear"]}
    shown = plain_markdown("```{objectives}\n```", promises)
    assert shown == "> In 12 minutes you will be able to\n>\n> - see\n> - hear"
