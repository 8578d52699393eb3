"""What a student gets back: the instructor's words, and not a line of a hidden test."""

from __future__ import annotations

import re
from typing import Any

from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.preprocessors import ClearHiddenTests

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_WORDS = 2000  # characters of an error's message
_SAID = {
    "CellTimeoutError": "This test did not end in time. Is there a loop that never ends, or a very slow one?",
    "DeadKernelError": "The kernel died while this test ran: too much memory, or a call that ends the process?",
}


class WordsOnly(ClearHiddenTests):
    """First of `GenerateFeedback.preprocessors`: hidden tests leave a graded cell, its errors keep their words only.

    A traceback shows the lines around the one that failed, and in a graded cell these are the instructor's.
    """

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], cell_index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """One cell."""
        cell, resources = super().preprocess_cell(cell, resources, cell_index)
        if cell.cell_type == "code" and utils.is_grade(cell) and utils.is_locked(cell):
            for output in cell.outputs:
                if output.output_type == "error":
                    output.evalue = str(output.evalue)[:_WORDS]
                    output.traceback = words(output).splitlines() or [output.ename]
        return cell, resources


def words(error: NotebookNode) -> str:
    """What an error says, without a line of code."""
    said = _SAID.get(error.ename) or _COLOURS.sub("", str(error.evalue))
    if error.ename in ("AssertionError", "CheckFailedError") and said:
        return said
    return said if error.ename in _SAID else f"{error.ename}: {said}".rstrip(": ")
