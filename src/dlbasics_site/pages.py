"""What the book is made of: its configuration, the pages of its table of contents, and which of them are executed."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat
import yaml
from jupyter_book.config import get_final_config
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
from myst_parser.config.main import MdParserConfig
from sphinx_external_toc.parsing import parse_toc_yaml

_SUFFIXES = (".md", ".ipynb")


class BookError(RuntimeError):
    """The book cannot be built as it stands; the message names the page, and the cell or figure, and says why."""


@dataclass(frozen=True)
class Book:
    """A book's configuration.

    Attributes:
        root: the folder that holds `_config.yml` and `_toc.yml`.
        sphinx_config: Sphinx's configuration values, as Jupyter Book makes them of `_config.yml`.
        toc: page names in reading order, without suffix, with "/" between folders; the first is the home page.
    """

    root: Path
    sphinx_config: dict[str, Any]
    toc: tuple[str, ...]

    @property
    def build_folder(self) -> Path:
        """Where everything goes that is made."""
        return self.root / "_build"

    @property
    def html(self) -> Path:
        """Where the finished site lies."""
        return self.build_folder / "html"

    @property
    def repository(self) -> str:
        """The repository's address; empty where none is configured."""
        return configured_repository(self.sphinx_config["html_theme_options"])

    def source(self, page: str) -> Path:
        """The source file of a page.

        Args:
            page: its name in the table of contents.

        Raises:
            BookError: there is no such file.
        """
        for suffix in _SUFFIXES:
            if (path := self.root / f"{page}{suffix}").exists():
                return path
        raise BookError(f"_toc.yml lists {page}, but there is no {page}.md")

    def is_executed(self, page: str) -> bool:
        """Whether the build runs this page: it is a notebook and `execute.exclude_patterns` does not leave it out."""
        source = self.source(page)
        if any(PurePosixPath(source.as_posix()).match(p) for p in self.sphinx_config["nb_execution_excludepatterns"]):
            return False
        return self.is_notebook(page)

    def is_notebook(self, page: str) -> bool:
        """Whether this page has cells: an .ipynb, or Markdown whose front matter says `file_format: mystnb`."""
        source = self.source(page)
        return source.suffix == ".ipynb" or is_myst_markdown_notebook(source.read_text(encoding="utf-8"))

    def read_notebook(self, page: str) -> nbformat.NotebookNode:
        """The page as Sphinx will read it, so that both find the same entry in the execution cache."""
        return read_notebook(self.source(page), self.sphinx_config["myst_enable_extensions"])


def read_notebook(source: Path, syntax_extensions: Iterable[str]) -> nbformat.NotebookNode:
    """Read an .ipynb or a MyST Markdown notebook.

    Args:
        source: the file.
        syntax_extensions: MyST's `myst_enable_extensions`; with `colon_fence` a cell may stand between colons.
    """
    text = source.read_text(encoding="utf-8")
    if source.suffix == ".ipynb":
        return nbformat.reads(text, as_version=4)
    syntax = MdParserConfig(enable_extensions=set(syntax_extensions))
    return read_myst_markdown_notebook(text, config=syntax, add_source_map=True, path=source)


def configured_repository(theme_options: dict[str, Any]) -> str:
    """The address of the repository that the buttons lead to, without a slash at its end; empty where there is none.

    Args:
        theme_options: Sphinx's `html_theme_options`, which Jupyter Book fills from `repository.url` in `_config.yml`.
            `DLBASICS_REPOSITORY` goes before it, so that a workflow can name what students get.
    """
    address = os.environ.get("DLBASICS_REPOSITORY") or theme_options.get("repository_url") or ""
    return address.strip().rstrip("/").removesuffix(".git")


def read_book(root: Path) -> Book:
    """Read `_config.yml` and `_toc.yml`.

    Args:
        root: the folder that holds them.

    Raises:
        BookError: one of them is missing or is not valid.
    """
    config = root / "_config.yml"
    for needed in (config, root / "_toc.yml"):
        if not needed.exists():
            raise BookError(f"{needed} is missing: run this from the project's root, or pass --root")
    try:
        sphinx_config, _ = get_final_config(
            user_yaml=config, cli_config={"latex_individualpages": False}, sourcedir=root, raise_on_invalid=True
        )
        site_map = parse_toc_yaml(root / "_toc.yml")
    except (ValueError, yaml.YAMLError) as error:
        raise BookError(f"_config.yml or _toc.yml is not valid: {error}") from error
    sphinx_config["external_toc_path"] = "_toc.yml"
    home = site_map.root.docname
    return Book(root, sphinx_config, (home, *_below(site_map, home)))


def read_parts(root: Path) -> list[tuple[str, list[str]]]:
    """The parts of `_toc.yml` in reading order: each one's caption, and its pages.

    Args:
        root: the folder that holds it.

    Returns:
        First the home page, under no caption.
    """
    site_map = parse_toc_yaml(root / "_toc.yml")
    home = site_map.root.docname
    parts = [("", [home])]
    for subtree in site_map.root.subtrees:
        pages = [str(child) for child in subtree.items if isinstance(child, str)]
        parts.append((subtree.caption or "", [page for child in pages for page in (child, *_below(site_map, child))]))
    return parts


def _below(site_map: Any, page: str) -> list[str]:
    """The pages under ``page`` in reading order."""
    listed = []
    for subtree in site_map[page].subtrees:
        for child in subtree.items:
            if isinstance(child, str):  # the rest are links to elsewhere and patterns, which this book has no use for
                listed += [str(child), *_below(site_map, str(child))]
    return listed
