"""What a check says, and what it lets pass: on small tasks of this file's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from dlbasics.checking import Check, CheckFailedError, gradients, tasks
from dlbasics.checking.rules import forbidden, loop_depth, read_code
from dlbasics.checking.tasks import Case, Mistake, Task, from_json, provisional, same_signature, signature, to_json
from dlbasics.checking.values import NotDataError, as_data, difference

TWO = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], dtype=torch.float64)
TASKS = {
    "double": Task(
        cases=[Case("a 2 x 3 matrix", [TWO], expected=2 * TWO)],
        arguments=["x"],
        forbids=["add"],
        mistakes=[
            Mistake("tripled", "That is three times x.", [signature(3 * TWO, changed=False)]),
            Mistake("in place", "x itself was doubled.", [signature(2 * TWO, changed=True)]),
        ],
    ),
    "halves": Task(
        cases=[Case("a number", [4.0], expected=[2.0, torch.tensor(2.0)])], outputs=["the first", "the second"]
    ),
}


@pytest.fixture
def check():
    with provisional("small", TASKS):
        yield Check("small", {"In": []})


def told(check: Check, task: str, function) -> str:
    with pytest.raises(CheckFailedError) as failure:
        check.step(task, function)
    return str(failure.value)


# What it says


def test_a_right_answer_is_praised_by_its_case(check, capsys):
    check.step("double", lambda x: x + x)
    assert capsys.readouterr().out == "✓ `double`: right on a 2 x 3 matrix.\n"


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: (2 * x).T, "has the shape (3, 2), it should be (2, 3)"),
        (lambda x: 2 * x + torch.eye(2, 3), "2 of 6 entries are off; the worst is at [0, 0]: 3, it should be 2"),
        (lambda x: 2 * x / 0, "is infinite in 6 of 6 entries, the first at [0, 0]"),
        (lambda x: 2 * x * float("nan"), "is NaN in 6 of 6 entries"),
        (lambda x: None, "is None (is a `return` missing?)"),
        (lambda x: object(), "The result is an object, where numbers are expected"),
        (lambda x: x @ x, "It raised RuntimeError: "),
        (lambda x: 3 * x, "That is three times x."),
        (lambda x: x.mul_(2), "x itself was doubled."),
        (lambda x: x.mul_(2), "The function changed its argument `x`"),
    ],
)
def test_a_wrong_answer_is_told_what_is_wrong(check, function, words):
    assert words in told(check, "double", function)


def test_the_part_that_is_wrong_is_named(check):
    assert "The second is 3, it should be 2" in told(check, "halves", lambda x: (x / 2, x - 1))
    assert "should have 2 parts, and has 1" in told(check, "halves", lambda x: [x / 2])
    assert "should be a list or tuple of 2 (the first, the second)" in told(check, "halves", lambda x: x / 2)


def test_the_untouched_stub_is_told_to_write_its_code(check):
    def double(x):
        raise NotImplementedError()

    assert "replace the line `raise NotImplementedError()`" in told(check, "double", double)


def test_an_unknown_task_is_refused_with_the_known_ones(check):
    with pytest.raises(ValueError, match="unknown task 'treble'; small has double, halves"):
        check.step("treble", abs)


def test_a_notebook_shows_the_words_alone():
    assert CheckFailedError("Not yet:\nlook again")._render_traceback_() == ["Not yet:", "look again"]


def test_warnings_of_a_right_answer_stay_out_of_the_notebook(check, recwarn, capfd):
    def double(x):
        import sys
        import warnings

        warnings.warn("careful", stacklevel=1)
        print("careful", file=sys.stderr)
        return 2 * x

    check.step("double", double)
    assert not recwarn.list
    assert capfd.readouterr().err == ""


# What it accepts


@pytest.mark.parametrize(
    "function",
    [
        lambda x: 2 * x.numpy(),
        lambda x: (2 * x).float(),
        lambda x: (2 * x).tolist(),
        lambda x: (2 * x).T.contiguous().T,
        lambda x: torch.nn.Parameter(2 * x),
        lambda x: np.asfortranarray(2 * x.numpy()),
        lambda x: 2 * x * (1 + 1e-9),
    ],
)
def test_every_kind_of_number_is_accepted(check, function):
    check.step("double", function)


@pytest.mark.parametrize("halves", [(2, 2), [2.0, np.float32(2)], (torch.tensor([2.0]), np.array(2))])
def test_parts_may_be_tuples_and_lists_of_any_number(check, halves):
    check.step("halves", lambda x: halves)


def test_small_gradients_are_not_lost_in_the_tolerance():
    aim = torch.tensor([1e-1, 2e-1], dtype=torch.float64)
    assert difference(aim + 1e-4, aim)
    assert difference(aim.clone(), aim) is None


def test_a_result_that_is_not_data_says_what_it_is():
    with pytest.raises(NotDataError, match="a module"):
        as_data(np)


# Fingerprints


def test_signatures_tell_rounding_from_another_result():
    generator = torch.Generator().manual_seed(0)
    result = torch.randn(3, 4, generator=generator)
    one = signature(result, changed=False)
    assert same_signature(one, signature(result.double() * (1 + 1e-6), changed=False))
    for other in (result.T, result * 1.01, result.flip(0), -result, result.reshape(4, 3)):
        assert not same_signature(one, signature(other, changed=False))
    assert not same_signature(one, signature(result, changed=True))


def test_what_was_read_ahead_needs_no_file(monkeypatch, tmp_path):
    tasks.load_ahead()
    monkeypatch.setattr(tasks, "_FOLDER", tmp_path)
    assert all(tasks.load_tasks(assignment) for assignment in ("backprop", "cnn", "contrastive"))
    with pytest.raises(ValueError, match="unknown assignment"):
        tasks.load_tasks("another")


def test_tasks_come_back_from_their_file_as_they_were():
    back = from_json(to_json(TASKS))
    assert to_json(back) == to_json(TASKS)
    assert torch.equal(back["double"].cases[0].expected, 2 * TWO)


# What a step allows

REACH = [
    "import torch.nn.functional as F\ndef f(x):\n    return F.conv2d(x)",
    "from torch.nn.functional import conv2d as c\ndef f(x):\n    return c(x)",
    "def f(x):\n    from torch.nn.functional import conv2d\n    return conv2d(x)",
    "import torch\ndef f(x):\n    return getattr(torch, 'conv2d')(x)",
    "import torch\ng = torch.conv2d\ndef f(x):\n    return g(x)",
    "import torch\ndef h(x):\n    return torch.conv2d(x)\ndef f(x):\n    return h(x)",
    "import torch\nf = lambda x: torch.conv2d(x)",
    "import torch\nclass H:\n    def go(self, x):\n        return torch.conv2d(x)\ndef f(x):\n    return H().go(x)",
    "import torch as t\ndef f(x):\n    return t.ops.aten.conv2d(x)",
    "from torch.nn.functional import *\ndef f(x):\n    return conv2d(x)",
    "from dlbasics import losses\ndef f(x):\n    return losses.nt_xent(x)",
    "def f(x):\n    return check.earlier('f')(x)",
    "mine = check.earlier('f')\ndef f(x):\n    return mine(x)",
    "%matplotlib inline\nimport torch\ndef f(x):\n    return torch.conv2d(x)",
    "%%time\nimport torch\ndef f(x):\n    return torch.conv2d(x)",
    "if True:\n    from torch import conv2d as c\ndef f(x):\n    return c(x)",
    "import torch\ndef f(x):\n    return eval('torch.conv2d(x)')",
    "import torch\ndef f(x):\n    return globals()['torch'].conv2d(x)",
    "import torch\ndef f(x):\n    return torch.__dict__['conv2d'](x)",
    "def f(x):\n    return g(x, conv2d=True)",
    "from dlbasics.losses import *\ndef f(x):\n    return nt_xent(x)",
]


@pytest.mark.parametrize("cell", REACH)
def test_the_answer_is_seen_however_it_is_called(cell):
    assert forbidden(read_code([cell]), "f", forbids=["conv2d"], allows=[])


ALLOWED = [
    ["def conv2d(x):\n    return x\ndef f(x):\n    return conv2d(x)"],
    ["import torch\ndef old(x):\n    return torch.conv2d(x)", "def f(x):\n    return x"],
    ["import torch\ndef f(x):\n    return torch.conv2d(x)", "def f(x):\n    return x"],
    ["def f(x):\n    '''Like conv2d of torch.'''\n    return x  # not conv2d"],
    ["import torch\nx = torch.conv2d\ndef f(x):\n    return x"],
    ["import torch\ndef test():\n    y = torch.conv2d(1)\ndef f(x):\n    y = x\n    return y"],
    ["def g(x):\n    return x", "g = check.earlier('g')", "def f(x):\n    return g(x)"],
    ["def f(x:\n    return", "def f(x):\n    return x"],
    ["class H:\n    def conv2d(self, x):\n        return x\ndef f(x):\n    return H().conv2d(x)"],
    ["class H:\n    def __init__(self):\n        self.conv2d = 1\ndef f(x):\n    return H().conv2d"],
    ["import torch\ndef f(x: torch.conv2d) -> torch.conv2d:\n    y: torch.conv2d = x\n    return y"],
    ["def f(x):\n    from torch import conv2d\n    return x"],
    ["def f(x):\n    print('conv2d')\n    return {'conv2d': x}['conv2d']"],
    ["def g(x, conv2d):\n    return x\ndef f(x):\n    return g(x, conv2d=True)"],
]


@pytest.mark.parametrize("cells", ALLOWED)
def test_what_is_not_the_answer_raises_no_alarm(cells):
    assert forbidden(read_code(cells), "f", forbids=["conv2d"], allows=[]) is None


def test_a_pattern_with_a_dot_forbids_only_what_lies_there():
    code = read_code(["import torch.nn.functional as F\ndef f(x):\n    return x.cross_entropy() + F.relu(x)"])
    assert forbidden(code, "f", forbids=["functional.cross_entropy"], allows=[]) is None
    assert forbidden(code, "f", forbids=["functional.relu"], allows=[]) == "torch.nn.functional.relu"


def test_what_a_step_allows_of_the_package_is_allowed():
    code = read_code(["from dlbasics import models\ndef f(x):\n    return models.mlp((1, 2))"])
    assert forbidden(code, "f", forbids=[], allows=["dlbasics.models"]) is None
    assert forbidden(code, "f", forbids=[], allows=["dlbasics.losses"]) == "dlbasics.models.mlp"


def test_a_forbidden_name_costs_the_step(check):
    check.notebook["In"] = ["import torch\ndef double(x):\n    return torch.add(x, x)"]
    assert "uses `torch.add`" in told(check, "double", lambda x: 2 * x)


@pytest.mark.parametrize(
    ("body", "depth"),
    [
        ("return x", 0),
        ("return [a for a in x]", 1),
        ("for a in x:\n        for b in x:\n            pass", 2),
        ("for a in x:\n        y = [b for b in x for c in x]", 3),
        ("for a in x:\n        pass\n    for b in x:\n        pass", 1),
    ],
)
def test_loops_are_counted_by_depth(body, depth):
    assert loop_depth(read_code([f"def f(x):\n    {body}"]), "f") == depth


# Earlier steps


def test_a_step_that_is_not_green_is_lent_the_courses_function(capsys):
    names: dict = {"In": []}
    check = Check("backprop", names)
    lent = check.earlier("relu_forward")
    assert "`relu_forward` is not green yet" in capsys.readouterr().out
    assert torch.equal(lent(torch.tensor([-1.0, 2.0])), torch.tensor([0.0, 2.0]))
    with pytest.raises(CheckFailedError, match="the course's own"):
        check.step("relu_forward", lent)


def test_the_courses_function_under_another_name_is_no_answer():
    names: dict = {"In": []}
    check = Check("backprop", names)
    names["mine"] = check.earlier("relu_forward")
    names["In"] = ["def relu_forward(a):\n    return mine(a)"]
    with pytest.raises(CheckFailedError, match="calls `mine`, the course's own"):
        check.step("relu_forward", lambda a: names["mine"](a))


def test_what_stands_in_is_not_the_students_doing():
    """Step 4 was left with a forbidden call: step 7, which uses the course's function instead, is not to blame."""
    names: dict = {
        "In": ["import torch.nn.functional as F\ndef cross_entropy_forward(a, b):\n    return F.cross_entropy(a, b)"]
    }
    check = Check("backprop", names)
    names["cross_entropy_forward"] = check.earlier("cross_entropy_forward")
    names["In"].append("def expression_gradients(e, i):\n    return cross_entropy_forward(e, i)")
    check.allowed("expression_gradients")


def test_what_a_student_gives_comes_as_tensors_to_a_later_step():
    def relu_forward(a):
        return np.maximum(a.numpy(), 0)

    check = Check("backprop", {"In": [], "relu_forward": relu_forward})
    found = check.earlier("relu_forward")(torch.tensor([-1.0, 2.0]))
    assert isinstance(found, torch.Tensor)
    assert found.dtype == torch.float32


def test_where_autograd_is_forbidden_it_is_off(check):
    def slope(x):
        return torch.autograd.grad((x.requires_grad_() ** 2).sum(), x)[0]

    with provisional("plain", {"double": replace(TASKS["double"], forbids=["autograd"])}):
        assert "RuntimeError" in told(Check("plain", {"In": []}), "double", slope)
    check.step("double", slope)


def test_exceptions_on_every_case_are_no_fingerprint():
    raising = Task(cases=TASKS["double"].cases, mistakes=[Mistake("raises", "That raises.", [["raised", "TypeError"]])])
    assert raising.recognise([["raised", "TypeError"]]) == []


def test_a_green_step_is_handed_on(capsys):
    def relu_forward(a):
        return a * (a > 0)

    check = Check("backprop", {"In": [], "relu_forward": relu_forward})
    handed_on = check.earlier("relu_forward")
    assert handed_on.__wrapped__ is relu_forward
    assert capsys.readouterr().out == ""


def test_an_unknown_assignment_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="unknown assignment 'knitting'; the course has backprop"):
        Check("knitting", {})


def test_the_oracle_gives_the_gradients_of_a_weighted_sum():
    x, upstream = torch.tensor([1.0, 2.0]), torch.tensor([3.0, -1.0])
    (found,) = gradients(lambda x: x**2, x, upstream=upstream)
    assert torch.equal(found, torch.tensor([6.0, -4.0]))
    assert not x.requires_grad
