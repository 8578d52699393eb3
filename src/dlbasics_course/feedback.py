"""What a student gets back: the checks' words, and not a line of a hidden test."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import ClearHiddenTests

from dlbasics.checking.check import wrapped
from dlbasics_course.assignment import is_graded


class WordsOnly(ClearHiddenTests):
    """For `GenerateFeedback.preprocessors`: hidden tests leave a graded cell, and its errors keep their words only.

    A traceback shows the lines around the one that failed; in a graded cell these are the instructor's.
    """

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], cell_index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """One cell."""
        cell, resources = super().preprocess_cell(cell, resources, cell_index)
        if is_graded(cell) and cell.cell_type == "code":
            for output in cell.outputs:
                if output.output_type == "error":
                    output.traceback = wrapped(_words(output))
        return cell, resources


def _words(error: NotebookNode) -> str:
    if error.ename == "CheckFailedError":
        return str(error.evalue)
    if error.ename == "CellTimeoutError":
        return "Not yet: this check did not end in time. Is there a loop that never ends, or a very slow one?"
    return f"{error.ename}: {error.evalue}".rstrip(": ")
