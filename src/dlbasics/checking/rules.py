"""What a step allows: a look at the student's source for names that would be the answer itself.

A best effort, not a wall: it reads what the cells say, and follows the student's own functions, aliases and imports.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from IPython.core.inputtransformer2 import TransformerManager

EARLIER = "earlier"  # `a, b = check.earlier("a", "b")` hands a student's own work, or the course's, to a later step

_LOOPS = ast.For | ast.While | ast.AsyncFor
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_BY_NAME = {"getattr", "attrgetter", "methodcaller", "import_module", "__import__"}  # what takes a name as a string
_NAMESPACES = {"vars", "globals", "locals", "__dict__", "modules"}  # what is looked up by one
_BUILTINS = frozenset(dir(builtins))


@dataclass
class Code:
    """What the cells that ran have bound at their top level; a later cell goes before an earlier one.

    Attributes:
        bindings: for each name the statements that made it: a function or class, or assignments to it.
        modules: for each imported name where it comes from, as ``torch.nn.functional``.
        stars: the modules of ``from module import *``.
        own: names of methods and attributes that the cells define.
        arguments: names of arguments that they define.
    """

    bindings: dict[str, list[ast.stmt]] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    own: set[str] = field(default_factory=set)
    arguments: set[str] = field(default_factory=set)


def read_code(cells: Sequence[str]) -> Code:
    """Read cells in the order in which they ran; one that does not parse did not run, and is left out."""
    code = Code()
    for statement in (statement for cell in cells for statement in _statements(cell)):
        if not _hands_on_earlier_work(statement):
            _bind(code, statement)
    return code


def forbidden(code: Code, task: str, *, forbids: Collection[str], allows: Collection[str]) -> str | None:
    """The first name in a task's code that its step does not allow, as the student would recognise it; None if none.

    Args:
        code: the cells that ran.
        task: the name of the function.
        forbids: parts of dotted names: ``conv2d`` forbids ``F.conv2d`` and ``torch.conv2d``, not a function or method
            ``conv2d`` of the student's own; ``torch.func`` forbids all that is in it. `dlbasics` and the check itself
            are always forbidden.
        allows: dotted names, and all below them, that are allowed all the same.
    """
    for name in names_used(code, [task]):
        parts = name.split(".")
        if any(name == allowed or name.startswith(f"{allowed}.") for allowed in allows):
            continue
        if parts[0] == "dlbasics" or (len(parts) > 1 and parts[-1] == EARLIER):
            return name
        if any(_contains(parts, pattern.split(".")) for pattern in forbids):
            return name.lstrip(".")
    return None


def names_used(code: Code, roots: Sequence[str]) -> Iterator[str]:
    """Every dotted name that is not the student's own, in functions and all of the student's that they reach."""
    for reading in _reached(code, roots):
        yield from reading.names


def names_reached(code: Code, task: str) -> set[str]:
    """The names outside of them that a task's functions look up."""
    return {name for reading in _reached(code, [task]) for name in reading.globals}


def loop_depth(code: Code, task: str) -> int:
    """How deep loops are nested in a task's code, comprehensions too; a function that is called counts by itself."""
    return max((_depth(reading.statement) for reading in _reached(code, [task])), default=0)


@lru_cache(maxsize=1000)
def _statements(cell: str) -> list[ast.stmt]:
    lines = cell.lstrip().split("\n", 1)
    if lines[0].startswith("%%"):  # a cell magic such as %%time runs what follows
        cell = lines[1] if len(lines) > 1 else ""
    try:
        return ast.parse(TransformerManager().transform_cell(cell)).body
    except SyntaxError:
        return []


def _bind(code: Code, statement: ast.stmt) -> None:
    effect = _effect(statement)
    code.own |= effect.own
    code.arguments |= effect.arguments
    code.modules |= effect.modules
    code.stars += effect.stars
    for name, builds_on in effect.bound.items():
        code.modules.pop(name, None)
        before = code.bindings.get(name, []) if builds_on else []
        code.bindings[name] = [*before, statement]


@dataclass(frozen=True)
class _Effect:
    """What a statement does to `Code`, by itself; the bound names say whether they keep what they meant before."""

    own: frozenset[str]
    arguments: frozenset[str]
    modules: dict[str, str]
    stars: tuple[str, ...]
    bound: dict[str, bool]


@lru_cache(maxsize=10_000)  # every check reads all cells again
def _effect(statement: ast.stmt) -> _Effect:
    nodes = list(ast.walk(statement))
    # an import may stand under an `if`
    outside = nodes if not isinstance(statement, ast.FunctionDef | ast.ClassDef) else []
    stars = (n.module or "" for n in outside if isinstance(n, ast.ImportFrom) and n.names[0].name == "*")
    return _Effect(
        own=frozenset(name for node in nodes if isinstance(node, ast.ClassDef) for name in _members(node)),
        arguments=frozenset(node.arg for node in nodes if isinstance(node, ast.arg)),
        modules={name: module for node in outside for name, module in _imported(node).items()},
        stars=tuple(stars),
        bound={name: _builds_on(statement, name) for name in _bound(statement)},
    )


def _reached(code: Code, roots: Sequence[str]) -> Iterator[_Reading]:
    seen, waiting = set(roots), list(roots)
    while waiting:
        for statement in code.bindings.get(waiting.pop(), []):
            reading = _Reading(statement, code)
            yield reading
            for name in reading.globals:
                if name in code.bindings and name not in seen:
                    seen.add(name)
                    waiting.append(name)


class _Reading(ast.NodeVisitor):
    """The names in a statement, with the local ones of each function kept apart, and annotations left out.

    Attributes:
        names: dotted names, resolved by the imports; one that starts with a dot belongs to something computed.
        globals: names that are looked up outside of the statement.
    """

    def __init__(self, statement: ast.stmt, code: Code) -> None:
        self.statement = statement
        self.names: list[str] = []
        self.globals: list[str] = []
        self._code = code
        self._modules = dict(code.modules)
        self._local: list[set[str]] = []
        for node in ast.walk(statement):
            self._modules |= _imported(node)
        self.visit(statement)

    def _in_scope(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        own = {a.arg for a in ast.walk(node.args) if isinstance(a, ast.arg)}
        outer: set[str] = set()
        for inside in ast.walk(node):
            if isinstance(inside, ast.Name) and isinstance(inside.ctx, ast.Store):
                own.add(inside.id)
            elif isinstance(inside, ast.FunctionDef | ast.ClassDef) and inside is not node:
                own.add(inside.name)
            elif isinstance(inside, ast.Global):
                outer |= set(inside.names)
        self._local.append(own - outer)
        for part in [node.args, *_as_list(node.body), *getattr(node, "decorator_list", [])]:  # and no annotation
            self.visit(part)
        self._local.pop()

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _in_scope  # noqa: N815 - ast's names

    def visit_arg(self, node: ast.arg) -> None:
        """An argument's annotation calls nothing."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """Neither does a variable's."""
        if node.value is not None:
            self.visit(node.value)

    def visit_Name(self, node: ast.Name) -> None:
        self._note(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._note(node)
        inner: ast.AST = node
        while isinstance(inner, ast.Attribute):
            inner = inner.value
        if not isinstance(inner, ast.Name):
            self.visit(inner)

    def visit_keyword(self, node: ast.keyword) -> None:
        """`requires_grad=True` asks for what `requires_grad_()` asks for."""
        if node.arg and node.arg not in self._code.own | self._code.arguments:
            self.names.append(f".{node.arg}")
        self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        """A call that takes a name, or code, as a string."""
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for argument in node.args:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                if called in _BY_NAME:
                    self.names.append(argument.value)
                elif called in ("eval", "exec"):
                    self._read_code_in(argument.value)
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """`globals()["F"]`, `torch.__dict__["relu"]`, `sys.modules["torch.nn"]`."""
        inner = node.value.func if isinstance(node.value, ast.Call) else node.value
        looked_up = inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", "")
        if looked_up in _NAMESPACES and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            name = node.slice.value
            self.names.append(self._modules.get(name, name))
        self.generic_visit(node)

    def _read_code_in(self, text: str) -> None:
        try:
            self.visit(ast.parse(text))
        except SyntaxError:
            return

    def _note(self, node: ast.AST) -> None:
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.insert(0, node.attr)
            node = node.value
        if isinstance(node, ast.Name) and not any(node.id in local for local in self._local):
            self.globals.append(node.id)
            if module := self._modules.get(node.id):
                self.names.append(".".join([module, *parts]))
                return
            if node.id not in self._code.bindings and node.id not in _BUILTINS:
                self.names += [".".join([star, node.id, *parts]) for star in self._code.stars]
        # of something computed, as in `(x @ w).backward()`, or of the student's own: only what they did not define
        strange = [part for part in parts if part not in self._code.own]
        if strange:
            self.names.append(".".join(["", *strange]))


def _as_list(body: ast.expr | list[ast.stmt]) -> Sequence[ast.AST]:
    return body if isinstance(body, list) else [body]


def _contains(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    n = len(pattern)
    return any(list(parts[start : start + n]) == list(pattern) for start in range(len(parts) - n + 1))


def _members(node: ast.ClassDef) -> set[str]:
    """Methods, class-level names, and attributes that are assigned to `self` or its like."""
    found = {inside.name for inside in ast.walk(node) if isinstance(inside, ast.FunctionDef)}
    for inside in ast.walk(node):
        if isinstance(inside, ast.Name | ast.Attribute) and isinstance(inside.ctx, ast.Store):
            found.add(inside.id if isinstance(inside, ast.Name) else inside.attr)
    return found


def _depth(node: ast.AST) -> int:
    below = max((_depth(child) for child in ast.iter_child_nodes(node)), default=0)
    if isinstance(node, _COMPREHENSIONS):
        return below + len(node.generators)
    return below + isinstance(node, _LOOPS)


def _imported(statement: ast.AST) -> dict[str, str]:
    if isinstance(statement, ast.Import):
        whole = {a.asname: a.name for a in statement.names if a.asname}
        return whole | {a.name.split(".")[0]: a.name.split(".")[0] for a in statement.names if not a.asname}
    if isinstance(statement, ast.ImportFrom):
        return {(a.asname or a.name): f"{statement.module or ''}.{a.name}" for a in statement.names if a.name != "*"}
    return {}


def _bound(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return []
    names: list[str] = []
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.append(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):  # `Node.relu = ...`
            base = node.value
            while isinstance(base, ast.Attribute):
                base = base.value
            names += [base.id] if isinstance(base, ast.Name) else []
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):  # under an `if` or a `with`
            names.append(node.name)
    return list(dict.fromkeys(names))


def _builds_on(statement: ast.stmt, name: str) -> bool:
    """Whether a statement keeps what a name meant before: `class Node(Node)`, `Node.relu = ...`, `f = wrap(f)`."""
    if isinstance(statement, ast.FunctionDef):
        return False
    if isinstance(statement, ast.ClassDef):
        return any(isinstance(base, ast.Name) and base.id == name for base in statement.bases)
    read = (node for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
    return any(node.id == name for node in read)


def _hands_on_earlier_work(statement: ast.stmt) -> bool:
    """Whether this is `a, b = check.earlier("a", "b")` with the same names on both sides."""
    if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Call):
        return False
    call = statement.value
    if not isinstance(call.func, ast.Attribute) or call.func.attr != EARLIER:
        return False
    target = statement.targets[0]
    targets = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
    left = [t.id if isinstance(t, ast.Name) else None for t in targets]
    right = [a.value if isinstance(a, ast.Constant) else "" for a in call.args]
    return left == right
