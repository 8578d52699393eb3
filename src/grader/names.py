"""The names that a cell defines and reads, found in its text alone: nothing of it runs."""

from __future__ import annotations

import ast
import symtable

from IPython import get_ipython


def defined(source: str) -> set[str]:
    """The names that a cell gives a value at its top level."""
    try:
        table = symtable.symtable(source, "cell", "exec")
    except (SyntaxError, ValueError):
        return set()
    return {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}


def referenced(source: str) -> set[str]:
    """The global names that a cell reads, functions in it included; magics apart."""
    shell = get_ipython()
    try:
        source = shell.transform_cell(source) if shell else source
        ast.parse(source)
    except SyntaxError:
        return set()
    found: set[str] = set()

    def walk(table: symtable.SymbolTable) -> None:
        module = table.get_type() == "module"
        found.update(s.get_name() for s in table.get_symbols() if s.is_referenced() and (module or s.is_global()))
        for child in table.get_children():
            walk(child)

    walk(symtable.symtable(source, "cell", "exec"))
    return found
