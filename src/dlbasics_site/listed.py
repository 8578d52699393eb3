"""What directives share that are written as a list: how an item is read, and how its Markdown becomes part of HTML."""

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

KEY = r"[a-z0-9]+(?:-[a-z0-9]+)*"
"""The pattern of a key: lower-case words joined by hyphens."""


def words_and_rest(first: str, lines: list[str]) -> tuple[str, str]:
    """Read an item: its words, up to an empty line, and what stands below that, indented by two spaces.

    Args:
        first: the words on the item's first line.
        lines: the lines after it.
    """
    lines = [line.removeprefix("  ") for line in lines]
    end = next((number for number, line in enumerate(lines) if not line.strip()), len(lines))
    return " ".join([first, *lines[:end]]).strip(), "\n".join(lines[end:]).strip()


class ListedDirective(SphinxDirective):
    """A directive with a key and a content, which puts Markdown between pieces of HTML."""

    has_content = True
    required_arguments = 1

    def parse(self, markdown: str, into: nodes.Element) -> None:
        """Put Markdown into a node."""
        content = StringList(markdown.split("\n"), source=self.get_source_info()[0])
        self.state.nested_parse(content, self.content_offset, into)

    def inline(self, markdown: str, what: str) -> nodes.inline:
        """One paragraph as what may stand inside a label or a summary; ``what`` it is, for the error."""
        parsed = nodes.container()
        self.parse(markdown, parsed)
        if len(parsed) != 1 or not isinstance(parsed[0], nodes.paragraph):
            raise self.error(f"{what} is one paragraph, got {markdown!r}")
        return nodes.inline("", "", *parsed[0].children)


def raw_html(text: str) -> nodes.raw:
    """A piece of HTML as it is."""
    return nodes.raw("", text, format="html")
