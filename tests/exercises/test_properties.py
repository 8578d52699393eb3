"""Every right solution against torch, on inputs that hypothesis chooses; and every wrong number is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from coursework import ASSIGNMENTS
from dlbasics import losses, space
from dlbasics.checking import gradients
from dlbasics.checking.values import difference
from dlbasics_course.session import prepare

EXAMPLES = 20


@dataclass(frozen=True)
class Draw:
    """Random tensors of random sizes, all decided by hypothesis."""

    generator: torch.Generator
    sizes: tuple[int, ...]
    dtype: torch.dtype

    def __call__(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator, dtype=torch.float64).to(self.dtype)


@st.composite
def draws(draw: Callable[..., Any]) -> Draw:
    sizes = draw(st.tuples(*[st.integers(1, 5)] * 6))
    dtype = draw(st.sampled_from([torch.float64, torch.float32]))
    return Draw(torch.Generator().manual_seed(draw(st.integers(0, 2**32))), sizes, dtype)


Problem = tuple[tuple[Any, ...], Any]
"""What to call a function with, and what comes back."""


def affine_forward(draw: Draw) -> Problem:
    n, d, m, *_ = draw.sizes
    x, w, b = draw(n, d), draw(d, m), draw(m)
    return (x, w, b), F.linear(x, w.T, b)


def affine_backward(draw: Draw) -> Problem:
    n, d, m, *_ = draw.sizes
    upstream, x, w = draw(n, m), draw(n, d), draw(d, m)
    return (upstream, x, w), gradients(lambda x, w, b: F.linear(x, w.T, b), x, w, draw(m), upstream=upstream)


def forward(oracle: Callable[[Tensor], Tensor]) -> Callable[[Draw], Problem]:
    def problem(draw: Draw) -> Problem:
        a = 3 * draw(*draw.sizes[:3])
        return (a,), oracle(a)

    return problem


def backward(oracle: Callable[[Tensor], Tensor]) -> Callable[[Draw], Problem]:
    def problem(draw: Draw) -> Problem:
        a, upstream = 3 * draw(*draw.sizes[:3]), draw(*draw.sizes[:3])
        return (upstream, a), gradients(oracle, a, upstream=upstream)[0]

    return problem


def scored(draw: Draw) -> tuple[Tensor, Tensor]:
    n, k, size, *_ = draw.sizes
    return 10 ** (size - 2) * draw(n, k), torch.randint(k, (n,), generator=draw.generator)


def cross_entropy_forward(draw: Draw) -> Problem:
    logits, labels = scored(draw)
    return (logits, labels), F.cross_entropy(logits, labels)


def cross_entropy_backward(draw: Draw) -> Problem:
    logits, labels = scored(draw)
    return (logits, labels), gradients(F.cross_entropy, logits, labels)[0]


def unbroadcast(draw: Draw) -> Problem:
    gradient = draw(*draw.sizes[:3])
    shape = [1 if size % 2 else size for size in draw.sizes[draw.sizes[3] % 4 : 3]]
    return (gradient, shape), gradient.sum_to_size(shape)


def momentum_step(draw: Draw) -> Problem:
    shapes = [draw.sizes[:n] for n in range(1, 4)]
    weights, slopes, velocities = ([draw(*shape) for shape in shapes] for _ in range(3))
    rate, momentum = draw.sizes[4] / 10, draw.sizes[5] / 6
    moved = [momentum * v + g for v, g in zip(velocities, slopes, strict=True)]
    return (weights, slopes, velocities, rate, momentum), [
        [torch.add(w, v, alpha=-rate) for w, v in zip(weights, moved, strict=True)],
        moved,
    ]


def output_size(draw: Draw) -> Problem:
    size, kernel, stride, padding, *_ = draw.sizes
    image = torch.zeros(1, 1, size + kernel)
    expected = F.conv1d(image, torch.zeros(1, 1, kernel), stride=stride, padding=padding).shape[-1]
    return (size + kernel, kernel, stride, padding), expected


def pictures(draw: Draw) -> tuple[Tensor, Tensor, Tensor, int, int]:
    """Images and kernels that need not be square, with a stride and a padding."""
    n, c, m, height, width, size = draw.sizes
    x, w = draw(n, c, height + size, width + 5), draw(m, c, height, width)
    return x, w, draw(m), 1 + size % 3, size % 2


def convolution(draw: Draw) -> Problem:
    x, w, b, stride, padding = pictures(draw)
    return (x, w, b, stride, padding), F.conv2d(x, w, b, stride=stride, padding=padding)


def convolution_backward(draw: Draw) -> Problem:
    x, w, b, stride, padding = pictures(draw)

    def oracle(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return F.conv2d(x, w, b, stride=stride, padding=padding)

    upstream = draw(*oracle(x, w, b).shape)
    return (upstream, x, w, stride, padding), gradients(oracle, x, w, b, upstream=upstream)


def pooling(oracle: Callable[..., Tensor], *, back: bool) -> Callable[[Draw], Problem]:
    def problem(draw: Draw) -> Problem:
        n, c, height, width, kernel, stride = draw.sizes
        x = draw(n, c, height + kernel, width + kernel)
        if not back:
            return (x, kernel, stride), oracle(x, kernel, stride)
        upstream = draw(*oracle(x, kernel, stride).shape)
        return (upstream, x, kernel, stride), gradients(lambda x: oracle(x, kernel, stride), x, upstream=upstream)[0]

    return problem


def batch_norm(draw: Draw) -> Problem:
    n, c, height, width, size, odd = draw.sizes
    x, scale, shift, mean = draw(n + 1, c, height, width), draw(c), draw(c), draw(c)
    var, momentum, training = 0.5 + draw(c).abs(), size / 6, bool(odd % 2)
    moved = mean.clone(), var.clone()
    out = F.batch_norm(x, *moved, scale, shift, training=training, momentum=momentum, eps=1e-3)
    return (x, scale, shift, mean, var, training, momentum, 1e-3), [out, *moved]


def batch_norm_backward(draw: Draw) -> Problem:
    n, c, height, width, *_ = draw.sizes
    x, scale, shift = draw(n + 1, c, height + 1, width), draw(c), draw(c)
    upstream = draw(*x.shape)

    def oracle(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        return F.batch_norm(x, None, None, scale, shift, training=True, eps=1e-2)

    return (upstream, x, scale, 1e-2), gradients(oracle, x, scale, shift, upstream=upstream)


def cosine_similarity(draw: Draw) -> Problem:
    n, m, d, *_ = draw.sizes
    u, v = draw(n, d + 1), draw(m, d + 1)
    return (u, v), F.cosine_similarity(u[:, None], v[None], dim=2)


def contrastive(draw: Draw) -> Problem:
    n, d, warmth, *_ = draw.sizes
    z_a, z_b = draw(n + 1, d + 1), draw(n + 1, d + 1)
    return (z_a, z_b, warmth / 5), losses.nt_xent(z_a, z_b, temperature=warmth / 5)


def alignment(draw: Draw) -> Problem:
    n, d, *_ = draw.sizes
    z_a, z_b = draw(n, d + 1), draw(n, d + 1)
    return (z_a, z_b), space.alignment(z_a, z_b)


def uniformity(draw: Draw) -> Problem:
    n, d, *_ = draw.sizes
    z = draw(n + 1, d + 1)
    return (z,), space.uniformity(z)


PROBLEMS: dict[str, Callable[[Draw], Problem]] = {
    "affine_forward": affine_forward,
    "affine_backward": affine_backward,
    "relu_forward": forward(torch.relu),
    "relu_backward": backward(torch.relu),
    "tanh_forward": forward(torch.tanh),
    "tanh_backward": backward(torch.tanh),
    "gelu_forward": forward(F.gelu),
    "gelu_backward": backward(F.gelu),
    "cross_entropy_forward": cross_entropy_forward,
    "cross_entropy_backward": cross_entropy_backward,
    "unbroadcast": unbroadcast,
    "momentum_step": momentum_step,
    "output_size": output_size,
    "conv2d_loops": convolution,
    "conv2d": convolution,
    "conv2d_backward": convolution_backward,
    "max_pool": pooling(F.max_pool2d, back=False),
    "max_pool_backward": pooling(F.max_pool2d, back=True),
    "average_pool": pooling(F.avg_pool2d, back=False),
    "average_pool_backward": pooling(F.avg_pool2d, back=True),
    "batch_norm": batch_norm,
    "batch_norm_backward": batch_norm_backward,
    "cosine_similarity": cosine_similarity,
    "nt_xent_loops": contrastive,
    "nt_xent": contrastive,
    "alignment": alignment,
    "uniformity": uniformity,
}


def solutions(task: str) -> list[tuple[str, Any, Callable[..., Any]]]:
    """The reference and the right solutions of other styles: name, check, function."""
    assignment = next(a for a in ASSIGNMENTS.values() if any(task in step.tasks for step in a.steps))
    step = assignment.step_of(task)
    variants = [None, *(v for v in assignment.accepted() if v.task == task)]
    sessions = [
        (v.name if v else "the reference", prepare(assignment, step, variant=v, until=task).names) for v in variants
    ]
    return [(name, names["check"], names[task]) for name, names in sessions]


@pytest.mark.parametrize("task", PROBLEMS)
def test_right_solutions_agree_with_torch_on_any_input(task: str) -> None:
    known = solutions(task)

    @settings(max_examples=EXAMPLES)
    @given(draws())
    def agree(draw: Draw) -> None:
        args, expected = PROBLEMS[task](draw)
        for name, check, function in known:
            check.case(task, function, args, expected, about=f"drawn inputs, solved in the style {name!r}")

    agree()


@given(draws(), st.data())
def test_one_wrong_entry_is_seen(draw: Draw, data: st.DataObject) -> None:
    aim = draw(*draw.sizes[:3])
    place = data.draw(st.integers(0, aim.numel() - 1))
    wrong = aim.clone()
    wrong.view(-1)[place] += 0.01 * max(1.0, float(aim.abs().max())) * data.draw(st.sampled_from([-1, 1]))
    assert difference(aim.clone(), aim) is None
    assert difference(wrong, aim)
