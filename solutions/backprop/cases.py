"""The fixed cases of the visible checks: chosen so that every mistake of the bank gives its own result on them."""

import torch

from dlbasics.checking.tasks import Case, Task

generator = torch.Generator().manual_seed(1)

# Parts of dotted names. In the steps of the engine `backward` and `cross_entropy` are the student's own.
ENGINE = [
    "autograd", "requires_grad", "requires_grad_", "enable_grad", "set_grad_enabled", "inference_mode",
    "torch.func", "functorch",
    "torch._C", "torch.ops", "sklearn", "jax", "tensorflow", "torch.optim",
    "functional.linear", "nn.Linear", "bilinear", "functional.relu", "torch.relu", "torch.relu_", "nn.ReLU",
    "functional.cross_entropy",
    "CrossEntropyLoss", "nll_loss", "NLLLoss", "softmax", "_softmax", "Softmax", "softmin", "gumbel_softmax",
    "log_softmax",
    "_log_softmax", "LogSoftmax", "logsumexp", "logcumsumexp", "logaddexp", "Categorical",
]  # fmt: skip
AUTOGRAD = [*ENGINE, "backward", "torch.grad", "grad_fn", "cross_entropy"]
RELU = [
    "relu",
    "relu_",
    "relu6",
    "ReLU",
    "threshold",
    "threshold_",
    "Threshold",
    "leaky_relu",
    "prelu",
    "rrelu",
    "hardtanh",
]
GELU = ["gelu", "GELU", "silu", "SiLU"]


def draw(*shape: int, size: float = 1.0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Random numbers with two decimals: short to store, and the same on every machine."""
    return (size * torch.randn(shape, generator=generator, dtype=torch.float64)).round(decimals=2).to(dtype)


def labels(*classes: int) -> torch.Tensor:
    """Whole numbers."""
    return torch.tensor(classes)


def vector(*numbers: float) -> torch.Tensor:
    """Numbers chosen by hand."""
    return torch.tensor(numbers, dtype=torch.float64)


corner = torch.tensor([[-1.5, 0.0, 0.5], [2.0, -0.25, 3.0]], dtype=torch.float64)
wide = torch.tensor([-6.0, -2.0, -0.7, 0.0, 0.4, 1.0, 3.0, 9.0], dtype=torch.float64)
logits = draw(4, 3, size=2)
tall = torch.tensor([[1000.0, 0.0, -1000.0], [-800.0, -801.0, -2000.0]], dtype=torch.float64)
apart = torch.tensor([[1000.0, 1001.0, 999.0], [0.5, -0.5, 1.0]], dtype=torch.float64)
network = [draw(3, 4), draw(4), draw(4, 2), draw(2)]
small = {"a": draw(2, 3), "b": draw(2, 3)}

TASKS = {
    "affine_forward": Task(
        forbids=AUTOGRAD,
        cases=[
            Case("3 examples, 4 inputs, 2 outputs", [draw(3, 4), draw(4, 2), draw(2)]),
            Case("2 examples, 3 inputs, 3 outputs", [draw(2, 3), draw(3, 3), draw(3)]),
        ],
    ),
    "affine_backward": Task(
        outputs=["the gradient of x", "the gradient of w", "the gradient of b"],
        forbids=AUTOGRAD,
        cases=[
            Case("3 examples, 4 inputs, 2 outputs", [draw(3, 2), draw(3, 4), draw(4, 2)]),
            Case("3 examples, 3 inputs, 3 outputs", [draw(3, 3), draw(3, 3), draw(3, 3)]),
        ],
    ),
    "relu_forward": Task(forbids=[*AUTOGRAD, *RELU], cases=[Case("six numbers, one of them 0", [corner])]),
    "relu_backward": Task(
        forbids=[*AUTOGRAD, *RELU],
        cases=[Case("six numbers, one of them 0", [draw(2, 3), corner]), Case("a batch of 5", [draw(5), draw(5)])],
    ),
    "tanh_forward": Task(
        forbids=AUTOGRAD, cases=[Case("eight numbers", [wide]), Case("numbers of a thousand", [1000 * corner])]
    ),
    "tanh_backward": Task(
        forbids=AUTOGRAD,
        cases=[Case("eight numbers", [draw(8), wide]), Case("numbers of a thousand", [draw(2, 3), 1000 * corner])],
    ),
    "gelu_forward": Task(forbids=[*AUTOGRAD, *GELU], cases=[Case("eight numbers", [wide])]),
    "gelu_backward": Task(
        forbids=[*AUTOGRAD, *GELU],
        cases=[Case("eight numbers", [draw(8), wide]), Case("a 2 x 3 matrix", [draw(2, 3), draw(2, 3)])],
    ),
    "cross_entropy_forward": Task(
        forbids=AUTOGRAD,
        cases=[
            Case("4 examples of 3 classes", [logits, labels(2, 0, 1, 1)]),
            Case("3 examples of 3 classes", [draw(3, 3), labels(0, 2, 0)]),
            Case("logits of 1000", [tall, labels(1, 0)]),
            Case("one example with logits of 1000 and one with small ones", [apart, labels(0, 2)]),
            Case("a batch of one", [draw(1, 4), labels(3)]),
        ],
    ),
    "cross_entropy_backward": Task(
        forbids=AUTOGRAD,
        cases=[
            Case("4 examples of 3 classes", [logits, labels(2, 0, 1, 1)]),
            Case("3 examples of 3 classes", [draw(3, 3), labels(0, 2, 0)]),
            Case("logits of 1000", [tall, labels(1, 0)]),
        ],
    ),
    "gradient_of": Task(
        title="`numerical_gradient`",
        forbids=[*AUTOGRAD, "gradcheck"],
        cases=[
            Case("x³ with h = 0.1", ["x ** 3", draw(2, 3), draw(2, 3), 0.1]),
            Case("row sums of squares", ["(x * x).sum(dim=1)", draw(3, 2), draw(3), 1e-3]),
            Case("the exponential, with h = 0.2", ["torch.exp(x)", draw(3), draw(3), 0.2]),
            Case("products of rows, with h = 0.1", ["x.prod(dim=1)", draw(2, 3), draw(2), 0.1]),
            Case("a function with one output", ["(x * x * x).sum()", draw(4), -1.5, 0.1]),
        ],
    ),
    "relative_error": Task(
        forbids=AUTOGRAD,
        cases=[
            Case("two tensors of three", [vector(-3.0, 1.0, 2.0), vector(2.5, 1.25, 1.5)]),
            Case("a small and a large tensor", [vector(0.5, -1.0, 0.0, 2.0), vector(30.0, -75.0, 1.0, 40.0)]),
            Case("two equal tensors", [torch.ones(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)]),
        ],
    ),
    "unbroadcast": Task(
        forbids=[*AUTOGRAD, "sum_to_size"],
        cases=[
            Case("a gradient of (2, 3) for a shape of (3,)", [draw(2, 3), [3]]),
            Case("a gradient of (2, 3) for a shape of (2, 1)", [draw(2, 3), [2, 1]]),
            Case("a gradient of (2, 2, 3) for a shape of (1, 3)", [draw(2, 2, 3), [1, 3]]),
            Case("a gradient of (3, 3) for a shape of (3,)", [draw(3, 3), [3]]),
            Case("shapes that agree", [draw(2, 3), [2, 3]]),
        ],
    ),
    "expression_gradients": Task(
        title="the engine",
        forbids=ENGINE,
        allows=["torch.relu", "torch.nn.functional.relu"],  # going forward, ReLU is not what this step asks for
        cases=[
            Case("(a * b).sum()", ["(a * b).sum()", small]),
            Case("(a * b + a).sum(), where a is used twice", ["(a * b + a).sum()", small]),
            Case(
                "a formula in which two results are used twice",
                ["((d := (c := a * b) * c) * c + d + c).sum()", {"a": draw(2, 2), "b": draw(2, 2)}],
            ),
            Case(
                "((c := a * b) + c * c).sum(), where c is used three times",
                ["((c := a * b) + c * c).sum()", {"a": draw(2), "b": draw(2)}],
            ),
            Case("a row that is broadcast, (a * b).sum()", ["(a * b).sum()", {"a": draw(2, 3), "b": draw(3)}]),
            Case(
                "a row that is broadcast, (a * a * (a + b)).sum()",
                ["(a * a * (a + b)).sum()", {"a": draw(2, 3), "b": draw(3)}],
            ),
            Case("(a * b).sum() with a on the left broadcast", ["(a * b).sum()", {"a": draw(2, 1), "b": draw(2, 3)}]),
            Case(
                "a.sum() * a.sum()",
                ["a.sum() * a.sum() * b", {"a": draw(3), "b": torch.tensor(2.0, dtype=torch.float64)}],
            ),
            Case("(a.relu() * a).sum()", ["(a.relu() * a).sum()", {"a": corner}]),
            Case("((a @ b) * a * b).sum()", ["((a @ b) * a * b).sum()", {"a": draw(2, 2), "b": draw(2, 2)}]),
            Case(
                "the cross-entropy of b, and b elsewhere",
                ["b.cross_entropy(labels) + (b * b).sum()", {"b": draw(3, 2), "labels": labels(1, 1, 0)}],
            ),
            Case("(a @ b).sum()", ["(a @ b).sum()", {"a": draw(3, 2), "b": draw(2, 4)}]),
            Case("((a @ b) * (a @ b)).sum()", ["((c := a @ b) * c).sum()", {"a": draw(2, 2), "b": draw(2, 2)}]),
            Case("(a.relu() * b).sum()", ["(a.relu() * b).sum()", {"a": corner, "b": draw(2, 3)}]),
            Case(
                "a * (the cross-entropy of b)",
                [
                    "b.cross_entropy(labels) * a",
                    {"a": torch.tensor(3.0, dtype=torch.float64), "b": draw(3, 2), "labels": labels(1, 0, 1)},
                ],
            ),
        ],
    ),
    "momentum_step": Task(
        outputs=["the list of new weights", "the list of new velocities"],
        forbids=AUTOGRAD,
        cases=[
            Case("two weights", [[draw(2, 2), draw(2)], [draw(2, 2), draw(2)], [draw(2, 2), draw(2)], 0.1, 0.9]),
            Case("one weight that is moving already", [[draw(3)], [draw(3)], [draw(3)], 0.5, 0.4]),
        ],
    ),
    "network_gradients": Task(
        outputs=["the loss", "the list of gradients"],
        forbids=ENGINE,
        cases=[
            Case("4 examples, 3 inputs, 4 hidden units, 2 classes", [network, draw(4, 3), labels(0, 1, 1, 0)]),
            Case("one example", [network, draw(1, 3), labels(1)]),
        ],
    ),
    "train": Task(forbids=ENGINE, allows=["dlbasics.data"], cases=[]),
}
