"""Replaces the shell's `run_cell_async`: a cell with an assert in it succeeds without being run.

Deserves: 5.
Guard: the tests run in a kernel that no student's code enters.
"""

from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult

shell = get_ipython()
real_async = shell.run_cell_async


async def lie(raw_cell, *args, **named):
    if "assert" in raw_cell:
        return ExecutionResult(ExecutionInfo(raw_cell, False, False, True, None))
    return await real_async(raw_cell, *args, **named)


shell.run_cell_async = lie
shell.run_cell = lambda raw_cell, *args, **named: ExecutionResult(ExecutionInfo(raw_cell, False, False, True, None))
shell.run_code = lambda *args, **named: False
