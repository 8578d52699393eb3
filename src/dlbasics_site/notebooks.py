"""Write each page as a notebook without outputs, which runs in Jupyter, on Binder and on Colab."""

import copy

import nbformat
from nbformat.v4 import new_code_cell

from dlbasics_site.pages import Book
from dlbasics_site.plain_markdown import plain_markdown

_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def write_notebooks(book: Book) -> list[str]:
    """Write an unexecuted .ipynb beside the HTML of every page that has cells.

    Args:
        book: the book, already built.

    Returns:
        The pages for which one was written.
    """
    pages = [page for page in book.toc if book.is_notebook(page)]
    for page in pages:
        path = book.html / f"{page}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(as_download(book, page), path)
    return pages


def as_download(book: Book, page: str) -> nbformat.NotebookNode:
    """A page as the notebook that a reader downloads: plain Markdown, no outputs, and on Colab it installs the package.

    Args:
        book: the book.
        page: a page that has cells.

    Returns:
        The notebook. It is the same from build to build: its cells' ids are their numbers. One that is kept as a
        notebook, as an exercise is, stays as it is: its cells' ids and metadata are what it is graded by.
    """
    notebook = copy.deepcopy(book.read_notebook(page))
    if book.source(page).suffix != ".ipynb":
        notebook = _from_text(notebook)
    if book.repository:
        install = new_code_cell(_install(book.repository), metadata={"tags": ["remove-cell"]}, id="install")
        notebook.cells.insert(0, install)
    return notebook


def _from_text(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    front_matter = dict(notebook.metadata)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = plain_markdown(cell.source, front_matter)
        elif cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    cells = [cell for cell in notebook.cells if cell.cell_type != "markdown" or cell.source]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    return nbformat.from_dict(
        {
            "cells": cells,
            "metadata": {"kernelspec": _KERNEL, "language_info": {"name": "python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )


def _install(repository: str) -> str:
    return (
        "# Where the book's package is missing, as on Colab, this installs it.\n"
        "import importlib.util\n"
        "\n"
        'if importlib.util.find_spec("dlbasics") is None:\n'
        f'    %pip install --quiet "dlbasics @ git+{repository}"'
    )
