"""Runs one cell in one kernel, within bounds: so much time, so much output."""

from __future__ import annotations

from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import Execute

from grader.pair import noting
from grader.provisioner import SandboxedManager

_STEPS = 100_000_000  # that put streams together in less than a second
_WORDS = 2000  # characters of an error's words where its output is cut
_CUT = "\n… the rest of the output was cut\n"


class BoundedExecute(Execute):
    """nbgrader's `Execute`, told for each cell where it runs and within which bounds."""

    async def run_cell(
        self,
        cell: NotebookNode,
        index: int,
        manager: SandboxedManager,
        client: AsyncKernelClient,
        *,
        seconds: float,
        output: int,
        note: dict[str, Any] | None = None,
    ) -> bool:
        """Execute a cell in a kernel; whether it ended in time, and had not to be interrupted.

        The answer to its request is kept in `reply`.

        Args:
            cell: its outputs become what it shows.
            index: its place in the notebook.
            manager, client: the kernel's.
            seconds: that it may take.
            output: bytes of its output that are kept; of an error always what it is.
            note: what its request brings.

        Raises:
            DeadKernelError: the kernel is dead.
            CellTimeoutError: it could not be interrupted.
        """
        self.km, self.kc = manager, client
        self.timeout = max(1, round(seconds))
        self._display_id_map.clear()  # no cell changes what another has shown
        self._size, self._most, self._late = 0, output, False
        self.reply: dict[str, Any] = {}
        self.on_cell_executed = self._keep_reply
        with noting(client, note):
            await self.async_execute_cell(cell, index, store_history=True)
        return not self._late

    def _keep_reply(self, *, cell: NotebookNode, execute_reply: dict[str, Any], **_: Any) -> None:
        self.reply = execute_reply["content"]
        # nbclient is about to put streams together, and looks from each place of a line to the line's end
        text = "".join(output.text for output in cell.outputs if output.output_type == "stream")
        self.coalesce_streams = len(text) * max(map(len, text.splitlines()), default=0) < _STEPS

    async def _async_handle_timeout(self, timeout: int, cell: NotebookNode | None = None) -> dict[str, Any] | None:
        self._late = True
        return await super()._async_handle_timeout(timeout, cell)

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        """One message of a kernel's; of a flood only the beginning is kept."""
        if msg["msg_type"] in ("stream", "display_data", "execute_result", "error", "update_display_data"):
            self._size += _length(msg["content"])
            if self._size > self._most:
                if msg["msg_type"] == "error":
                    if not any(output.output_type == "error" for output in cell.outputs):
                        fail(cell, str(msg["content"]["ename"])[:_WORDS], str(msg["content"]["evalue"])[:_WORDS])
                elif not any(output.get("name") == "stdout" and _CUT in output["text"] for output in cell.outputs[-1:]):
                    cell.outputs.append(new_output("stream", name="stdout", text=_CUT))
                return None
        if msg["msg_type"].startswith("comm"):
            return None  # no widget is shown to anybody here
        return super().process_message(msg, cell, cell_index)


def fail(cell: NotebookNode, name: str, words: str) -> None:
    """A cell that did not run to its end says so, and is worth nothing."""
    error = new_output("error", ename=name, evalue=words, traceback=[f"{name}: {words}"])
    cell.outputs = [*cell.get("outputs", []), error]


def _length(content: Any) -> int:
    if isinstance(content, str):
        return len(content)
    if isinstance(content, dict):
        return sum(map(_length, content.values()))
    return sum(map(_length, content)) if isinstance(content, list) else 8
