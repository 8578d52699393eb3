"""A test asks, the student's side answers: both sides of the line, in two threads of one process."""

import contextlib
import itertools
import linecache
import socket
import threading
import time
import traceback
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import grader.line
from grader import asking, wire
from grader.answering import Answering
from grader.handles import Handle
from grader.line import Line
from grader.names import defined, referenced
from grader.raising import StudentError

NUMBERS = itertools.count()


def run(source: str, names: dict, file: str) -> None:
    """Run a cell as a notebook does: its lines can be looked up."""
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(source, file, "exec"), names)


class Notebook:
    """The names on both sides, and cells for either."""

    def __init__(self, tests: socket.socket, student: socket.socket) -> None:
        self.theirs = {"__name__": "__main__"}
        self.ours = {"torch": torch, "np": np, "pytest": pytest}
        self.answering, self.tests = Answering(student, self.theirs), asking.Tests(self.ours, tests)

    def student(self, source: str, stub: str | None = None) -> None:
        self.tests.read(source, stub)
        run(source, self.theirs, f"/tmp/ipykernel_1/{next(NUMBERS)}.py")

    def test(self, source: str) -> None:
        try:
            self.tests.begin(source, 20)
            run(source, self.ours, f"<test {next(NUMBERS)}>")
        finally:
            self.tests.end()

    def answer(self) -> None:
        """Answer until the tests are gone, as the kernel's event loop does."""
        with contextlib.suppress(EOFError, OSError):
            while True:
                self.answering.answer_next()


@pytest.fixture
def notebook() -> Iterator[Notebook]:
    tests, student = socket.socketpair()
    with student:
        notebook = Notebook(tests, student)
        answers = threading.Thread(target=notebook.answer, daemon=True)
        answers.start()
        yield notebook
        tests.close()
        answers.join(10)
    assert not answers.is_alive()


# Data and objects


def test_a_function_takes_and_gives_data(notebook):
    notebook.student("def both(x, *, by): return {'x': [x, by], 'half': x / 2}\nrate = (1, 'a')")
    notebook.test("assert both(3, by=2) == {'x': [3, 2], 'half': 1.5}\nassert rate == (1, 'a')")


def test_tensors_and_arrays_cross_by_their_numbers(notebook):
    notebook.student("import torch\ndef twice(x): return 2 * x")
    notebook.test(
        "x = torch.rand(2, 3, dtype=torch.float64)\n"
        "assert torch.equal(twice(x), 2 * x) and twice(x).dtype == torch.float64\n"
        "assert (twice(np.arange(3)) == [0, 2, 4]).all()\n"
    )


def test_a_call_follows_autograd_as_the_test_does(notebook):
    notebook.student("import torch\ndef follows(): return torch.is_grad_enabled()")
    notebook.test("assert follows()\nwith torch.no_grad():\n    assert not follows()")


NET = """
class Net:
    size = 3
    def __init__(self, start): self.start, self.items = start, [1, 2, 3]
    def __call__(self, x): return x + self.start
    def __len__(self): return 7
    def __iter__(self): return iter(self.items)
    def __getitem__(self, place): return self.items[place]
    def __contains__(self, item): return item in self.items
    def __add__(self, other): return ("sum", other)
    def __rsub__(self, other): return ("difference", other)
    def __matmul__(self, other): return other is self
    def __eq__(self, other): return True
    def __bool__(self): return True
    def itself(self): return self
net = Net(10)
"""


def test_an_object_stays_where_it_is_and_is_asked_for_its_parts(notebook):
    notebook.student(NET)
    notebook.test(
        "made = Net(5)\n"
        "assert (made.start, made.size, made(1), net(1)) == (5, 3, 6, 11)\n"
        "assert (len(net), list(net), net[1], 2 in net, 9 in net) == (7, [1, 2, 3], 2, True, False)\n"
        "assert (net + 1, 1 - net, net @ net, net @ made) == (('sum', 1), ('difference', 1), True, False)\n"
        "assert net.itself() @ net\n"
        "made.start = 100\n"
        "assert made(1) == 101 and Net.size == 3\n"
        "assert repr(net) == repr(made) == '<Net of the student\\'s>'\n"
    )


@pytest.mark.parametrize("claim", ["net == 3", "net", "not net", "net != 3", "net in [1, 2]"])
def test_an_objects_own_idea_of_equality_is_never_asked(notebook, claim):
    notebook.student(NET)
    with pytest.raises(TypeError, match="Net is an object of the student's own, and only data can be compared"):
        notebook.test(f"assert {claim}")


def test_a_length_or_items_that_are_none_are_the_students_error(notebook):
    notebook.student("class Odd:\n    def __len__(self): return 'many'\n    def __iter__(self): return 5\nodd = Odd()")
    for question in ("len(odd)", "list(odd)"):
        with pytest.raises(TypeError):
            notebook.test(question)


def test_what_is_no_data_cannot_be_handed_over(notebook):
    notebook.student("def f(x): return x")
    with pytest.raises(TypeError, match="a object is neither data nor a function; hand over what it is made of"):
        notebook.test("f(object())")


# Errors


@pytest.mark.parametrize(
    ("raised", "kind", "words"),
    [
        ("ValueError('odd')", ValueError, "odd"),
        ("KeyError('k')", KeyError, "k"),
        ("NotImplementedError", NotImplementedError, ""),
        ("type('Mine', (IndexError,), {})('far')", IndexError, "Mine: far"),
        ("type('Mine', (Exception,), {})('own')", Exception, "Mine: own"),
        ("UnicodeDecodeError('utf-8', b'', 0, 1, 'x')", StudentError, "UnicodeDecodeError"),
        ("StopIteration('end')", Exception, "StopIteration: end"),
        ("SystemExit(0)", StudentError, "SystemExit: 0"),
        ("KeyboardInterrupt", StudentError, "did not end in time"),
        ("type('E', (Exception,), {'__str__': lambda self: 1 / 0})()", Exception, "E"),
        ("type('E', (Exception,), {'__module__': property(lambda self: 1 / 0)})('own')", Exception, "E: own"),
        ("Odd('own')", Exception, "Odd"),
    ],
)
def test_an_error_of_the_students_is_raised_as_pythons_own(notebook, raised, kind, words):
    odd = "class Lying(type):\n    @property\n    def __module__(cls): return 1 / 0\n"
    odd += "class Odd(Exception, metaclass=Lying): pass\n"
    notebook.student(odd + f"def f():\n    raise {raised}")
    with pytest.raises(kind) as caught:
        notebook.test("f()")
    assert type(caught.value) is kind or kind is Exception
    assert not isinstance(caught.value, StopIteration)
    assert words in str(caught.value)
    notebook.test("with pytest.raises(BaseException):\n    f()")  # and the line still holds


def test_an_error_shows_the_students_line(notebook):
    notebook.student("def inner(x):\n    return 1 / x\n\ndef f(x):\n    return inner(x)")
    with pytest.raises(ZeroDivisionError) as caught:
        notebook.test("f(0)")
    assert "in inner\n    return 1 / x" in "".join(traceback.format_exception(caught.value))


def test_what_a_call_prints_is_printed_where_the_test_runs(notebook, capsys):
    notebook.student("import sys\ndef f():\n    print('seen')\n    print('and heard', file=sys.stderr)")
    notebook.test("f()")
    assert capsys.readouterr() == ("seen\n", "and heard\n")


# Arguments that a call changes


@pytest.mark.parametrize(
    ("argument", "change", "after"),
    [
        ("[3, 1, 2]", "x.sort()", "x == [1, 2, 3]"),
        ("[1, 2]", "x.append(9)", "x == [1, 2, 9]"),
        ("[1, 2]", "x.clear()", "x == []"),
        ("{'a': 1}", "x.update(b=2)", "x == {'a': 1, 'b': 2}"),
        ("{1, 2}", "x.discard(1)", "x == {2}"),
        ("torch.ones(2, 3)", "x.zero_()", "x.shape == (2, 3) and not x.any()"),
        ("torch.ones(2, 3)", "x.resize_(1)", "x.shape == (1,)"),
        ("np.ones(3)", "x.fill(0)", "not x.any()"),
        ("[torch.ones(2)]", "x[0].zero_()", "not x[0].any()"),
        ("[1, 2]", "None", "x == [1, 2]"),
    ],
)
def test_an_argument_that_a_call_changed_is_changed_when_the_statement_is_done(notebook, argument, change, after):
    notebook.student(f"def f(x):\n    {change}\n    return 'done'")
    notebook.test(f"x = {argument}\nkept = x\nassert f(x) == 'done'\nassert kept is x\nassert {after}, x")


def test_who_changes_an_argument_gains_nothing_within_the_statement(notebook):
    notebook.student("def double(x):\n    x.zero_()\n    return x")
    with pytest.raises(AssertionError):
        notebook.test("x = torch.ones(3)\nassert torch.equal(\n    double(x),\n    2 * x,\n)")
    notebook.test("x = torch.ones(3)\ny = double(x)\nassert not x.any()")


def test_a_list_keeps_the_tensors_that_a_test_holds(notebook):
    notebook.student("def step(weights):\n    for w in weights:\n        w -= 1")
    notebook.test("w = torch.ones(2)\nstep([w])\nassert not w.any()")


# Functions and names of the test's


def test_a_function_of_the_tests_can_be_called_by_the_students(notebook):
    notebook.student("def apply(f, x): return [f(x), f(x=x)]")
    notebook.test("assert apply(lambda x: x + 1, 3) == [4, 4]")


def test_a_function_of_the_tests_may_ask_in_its_turn(notebook):
    notebook.student("def apply(f, n): return f(n)\ndef down(f, n): return 0 if n == 0 else 1 + f(f, n - 1)")
    notebook.test("assert apply(lambda n: apply(lambda m: 2 * m, n) + 1, 3) == 7")


def test_an_error_in_a_function_of_the_tests_passes_through_the_students(notebook):
    notebook.student("def apply(f): return f()\ndef calm(f):\n    try: f()\n    except RuntimeError: return 'calm'")
    notebook.test("assert calm(lambda: 1 / 0) == 'calm'")
    with pytest.raises(RuntimeError, match="ZeroDivisionError: division by zero"):
        notebook.test("apply(lambda: 1 / 0)")


def test_a_name_that_the_test_changes_is_changed_for_the_call_alone(notebook):
    notebook.student("rate = 1\ndef helper(x): return x\ndef f(x): return helper(x) * rate")
    notebook.test("assert f(2) == 2\nrate = 10\nhelper = lambda x: 100 * x\nassert f(2) == 2000")
    notebook.test("assert f(2) == 2")


def test_a_name_that_the_test_deletes_is_gone_for_the_call(notebook):
    notebook.student("def helper(x): return x\ndef f(x): return helper(x)")
    notebook.test("del helper\nwith pytest.raises(NameError):\n    f(1)")
    notebook.test("assert f(1) == 1")


def test_no_name_to_which_the_instructor_gave_a_meaning_is_the_students(notebook):
    notebook.student("np = None\nsorted = lambda x: 'mine'\nmine = 1\ndef all(x): return True", stub="mine = 0")
    notebook.test("assert np.arange(2)[1] == 1 and sorted([2, 1]) == [1, 2] and not all([0])\nassert mine == 1")


def test_a_name_that_the_instructor_asked_for_is_the_students_whatever_it_means(notebook):
    notebook.ours["square"] = lambda x: "the instructor's"
    notebook.student(
        "def sum(x): return 'mine'\ndef square(x): return x * x", stub="def sum(x): ...\ndef square(x): ..."
    )
    notebook.test("assert sum([1]) == 'mine' and square(3) == 9")


def test_what_a_test_defines_is_left_for_the_next_and_what_is_the_students_is_not(notebook):
    notebook.student("secret = 1")
    notebook.test("kept = secret + 1")
    assert notebook.ours["kept"] == 2
    assert "secret" not in notebook.ours


@pytest.mark.parametrize(
    ("source", "theirs"), [("y = f(1)", True), ("y = 1", False), ("f = 1", False), ("print(unknown)", True)]
)
def test_a_cell_that_reads_what_is_the_students_needs_them(notebook, source, theirs):
    notebook.student("def f(x): return x")
    assert notebook.tests.needs_students(source, []) == theirs


def test_names_are_found_in_the_text_alone():
    source = (
        "import a.b, c as d\nfrom e import f\nx = y = z\nfor i in j: pass\ndef g(h): return k + h\nclass L(M): n = o"
    )
    assert defined(source) == {"a", "d", "f", "x", "y", "i", "g", "L"}
    assert referenced(source) >= {"z", "j", "k", "M"}
    assert not {"h", "n"} & referenced(source)
    assert (defined("def ("), referenced("def (")) == (set(), set())


# Who does not answer as they should


@pytest.fixture
def line(monkeypatch) -> Iterator[tuple[Line, socket.socket]]:
    monkeypatch.setattr(grader.line, "GRACE", 0.0)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Line(ours), theirs


def test_who_is_silent_is_waited_for_as_long_as_was_said(line):
    line[0].open(0.2)
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(StudentError, match=r"No answer came in 0\.2 seconds"):
            line[0].ask("get", "x")
    assert 0.1 < time.monotonic() - began < 2


def test_who_does_not_even_read_is_waited_for_no_longer(line):
    line[0].open(0.2)
    with pytest.raises(StudentError, match="No answer came"):
        line[0].ask("get", bytes(16 << 20))


def test_who_answers_drop_by_drop_gains_no_time(line):
    def drip():
        with contextlib.suppress(OSError):  # the other end hangs up
            for byte in (1 << 20).to_bytes(8, "big") + bytes(100):
                time.sleep(0.02)
                line[1].send(bytes([byte]))

    line[0].open(0.3)
    threading.Thread(target=drip, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(StudentError, match="No answer came"):
        line[0].ask("get", "x")
    assert time.monotonic() - began < 2


def test_who_is_gone_is_said_to_be_dead(line):
    line[0].open(5)
    line[1].close()
    with pytest.raises(StudentError, match="The kernel died during the call"):
        line[0].ask("get", "x")


ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5) | st.binary(max_size=5),
    lambda below: st.lists(below, max_size=6) | st.dictionaries(st.text(max_size=3), below, max_size=2),
    max_leaves=10,
)
STATUS = st.sampled_from(["ok", "error", "call back", "reply"])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(STATUS, st.lists(ANSWERS, max_size=7)) | ANSWERS, min_size=1, max_size=3), st.booleans())
def test_no_answer_does_more_than_fail_the_test(monkeypatch, answers, called):
    monkeypatch.setattr(grader.line, "GRACE", 0.0)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        line = Line(ours)
        line.open(5)
        for answer in answers:
            parts = [answer[0], *answer[1]] if isinstance(answer, tuple) else answer
            wire.send(theirs, wire.encode(parts, lambda value: ["object", 0]))
        theirs.shutdown(socket.SHUT_WR)
        handle = Handle(line, ["name", "f"], "f")
        with contextlib.suppress(StudentError, TypeError):  # what is no answer, and what cannot be handed back
            assert wire.encode(handle(1) if called else handle.x, line._refer)
