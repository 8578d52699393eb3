"""The fixed cases of the visible checks: chosen so that every mistake of the bank gives its own result on them."""

import torch

from dlbasics.checking.tasks import Case, Task

generator = torch.Generator().manual_seed(2)

# Last parts of names: "conv2d" forbids `F.conv2d` and `torch.conv2d`, not a student's own function of that name.
AUTOGRAD = [
    "autograd", "grad", "grad_fn", "backward", "requires_grad", "requires_grad_", "enable_grad", "func",
    "functorch", "vjp", "jvp", "jacrev", "jacfwd",
    "_C", "_VF", "aten", "ops", "exec", "eval", "__import__", "importlib",
]  # fmt: skip
CONVOLUTIONS = [
    "conv1d", "conv2d", "conv3d", "conv_tbc", "convolution", "Conv1d", "Conv2d", "Conv3d", "LazyConv1d",
    "LazyConv2d", "LazyConv3d",
    "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "ConvTranspose1d", "ConvTranspose2d",
    "ConvTranspose3d", "mkldnn_convolution",
    "conv2d_input", "conv2d_weight", "convolve", "convolve1d", "convolve2d", "correlate", "correlate1d",
    "correlate2d", "fftconvolve", "oaconvolve",
]  # fmt: skip
WINDOWS = ["unfold", "Unfold", "fold", "Fold", "as_strided", "sliding_window_view"]
POOLINGS = [
    "max_pool1d", "max_pool2d", "max_pool3d", "max_pool2d_with_indices", "MaxPool1d", "MaxPool2d", "MaxPool3d",
    "avg_pool1d", "avg_pool2d", "avg_pool3d",
    "AvgPool1d", "AvgPool2d", "AvgPool3d", "adaptive_max_pool2d", "adaptive_avg_pool2d", "AdaptiveMaxPool2d",
    "AdaptiveAvgPool2d", "lp_pool2d", "LPPool2d",
    "max_unpool2d", "MaxUnpool2d", "fractional_max_pool2d", "FractionalMaxPool2d", "quantized_max_pool2d",
    "interpolate", "block_reduce",
]  # fmt: skip
NORMS = [
    "batch_norm", "native_batch_norm", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "LazyBatchNorm2d",
    "SyncBatchNorm", "batch_norm_stats",
    "instance_norm", "InstanceNorm1d", "InstanceNorm2d", "group_norm", "GroupNorm", "layer_norm", "LayerNorm",
]  # fmt: skip


def draw(*shape: int, size: float = 1.0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Random numbers with two decimals: short to store, and the same on every machine."""
    return (size * torch.randn(shape, generator=generator, dtype=torch.float64)).round(decimals=2).to(dtype)


def whole(*shape: int, low: int, high: int) -> torch.Tensor:
    """Small whole numbers, many of them equal, as float64."""
    return torch.randint(low, high, shape, generator=generator).double()


def convolution(
    n: int, c: int, image: tuple[int, int], m: int, kernel: tuple[int, int], stride: int, padding: int
) -> list:
    """The arguments of a convolution."""
    return [draw(n, c, *image), draw(m, c, *kernel), draw(m), stride, padding]


def going_back(
    n: int, c: int, image: tuple[int, int], m: int, kernel: tuple[int, int], stride: int, padding: int
) -> list:
    """The arguments of its backward pass."""
    out = [(length + 2 * padding - k) // stride + 1 for length, k in zip(image, kernel, strict=True)]
    return [draw(n, m, *out), draw(n, c, *image), draw(m, c, *kernel), stride, padding]


CONV_CASES = [
    Case("a square image and a square kernel", convolution(2, 2, (4, 4), 2, (2, 2), 1, 0)),
    Case("a square image with a padding of 1", convolution(2, 2, (3, 3), 2, (3, 3), 1, 1)),
    Case("a stride of 2", convolution(1, 2, (5, 5), 3, (2, 2), 2, 0)),
    Case("a wide image under a tall kernel (stride 2, padding 1)", convolution(2, 3, (5, 8), 2, (3, 2), 2, 1)),
]
BACK_CASES = [
    Case("a square image and a square kernel", going_back(2, 2, (4, 4), 2, (2, 2), 1, 0)),
    Case("a square image with a padding of 1", going_back(2, 2, (3, 3), 2, (3, 3), 1, 1)),
    Case("a stride of 2 that leaves the last row and column out", going_back(1, 2, (6, 6), 3, (3, 3), 2, 0)),
    Case("a wide image under a tall kernel (stride 2, padding 1)", going_back(2, 3, (4, 7), 2, (3, 2), 2, 1)),
]

square, wide, tied = draw(2, 2, 4, 4), draw(2, 3, 4, 7), whole(2, 2, 4, 4, low=0, high=2)
below = torch.tensor([[[[-3.0, -1.5, -0.5, -4.0], [-2.0, -0.75, -5.0, -2.5]]]], dtype=torch.float64)
tied_wide = whole(1, 2, 4, 5, low=-2, high=1)


def pooling(backward: bool) -> list[Case]:
    """The cases of a pooling, or of its backward pass."""

    def case(about: str, x: torch.Tensor, kernel: int, stride: int) -> Case:
        out = [(length - kernel) // stride + 1 for length in x.shape[2:]]
        return Case(about, [*([draw(*x.shape[:2], *out)] if backward else []), x, kernel, stride])

    return [
        case("windows of 2 x 2 side by side", square, 2, 2),
        case("windows of 3 x 3 that overlap (stride 1)", square, 3, 1),
        case("a wide image with columns left over", wide, 2, 2),
        case("windows of 3 x 3 that overlap (stride 2)", wide, 3, 2),
        case("windows with gaps between them (stride 3)", wide, 2, 3),
        case("negative numbers only", below, 2, 2),
        case("many equal numbers", tied, 2, 2),
        case("many equal numbers in windows that overlap", tied_wide, 3, 1),
    ]


def spread(*shape: int) -> torch.Tensor:
    """Images with another mean and another spread in each channel."""
    c = torch.arange(shape[1], dtype=torch.float64)[:, None, None]
    return ((1.5 + 0.5 * c) * draw(*shape) + 2 - c).round(decimals=2)


def norm(shape: tuple[int, ...], training: bool, momentum: float, eps: float) -> list:
    """The arguments of a batch norm."""
    c = shape[1]
    return [spread(*shape), draw(c), draw(c), draw(c), (draw(c).abs() + 0.5).round(decimals=2), training, momentum, eps]


def images(n: int) -> torch.Tensor:
    """Images of the size of the course's."""
    return torch.rand(n, 1, 28, 28, generator=generator, dtype=torch.float64).round(decimals=1).float()


TASKS = {
    "output_size": Task(
        cases=[
            Case("a size of 7 (kernel 3, stride 1, padding 1)", [7, 3, 1, 1]),
            Case("a size of 8 (kernel 3, stride 2, padding 1)", [8, 3, 2, 1]),
            Case("a size of 11 (kernel 4, stride 3, padding 2)", [11, 4, 3, 2]),
            Case("a size of 9 (kernel 3, stride 2, padding 0)", [9, 3, 2, 0]),
            Case("a size of 12 (kernel 3, stride 4, padding 0)", [12, 3, 4, 0]),
            Case("a kernel as long as the axis", [4, 4, 1, 0]),
        ],
        forbids=["nn", *CONVOLUTIONS, *POOLINGS, *WINDOWS],
    ),
    "conv_parameters": Task(
        cases=[
            Case("3 to 8 channels (5 x 3 kernel, with bias)", [3, 8, 5, 3, True]),
            Case("3 to 8 channels (5 x 3 kernel, no bias)", [3, 8, 5, 3, False]),
            Case("4 to 2 channels (1 x 1 kernel, with bias)", [4, 2, 1, 1, True]),
        ],
        forbids=["nn", *CONVOLUTIONS, "numel", "nelement", "parameters"],
    ),
    "receptive_field": Task(
        cases=[
            Case("one layer of 5", [[[5, 2]]]),
            Case("two layers of 3", [[[3, 1], [3, 1]]]),
            Case("three layers (kernels 3, 2, 5; strides 2, 3, 1)", [[[3, 2], [2, 3], [5, 1]]]),
            Case("four layers (kernels 7, 3, 3, 2; strides 2, 2, 1, 2)", [[[7, 2], [3, 2], [3, 1], [2, 2]]]),
            Case("no layer at all", [[]]),
        ],
        forbids=["nn", *AUTOGRAD, *CONVOLUTIONS, *POOLINGS, *WINDOWS],
    ),
    "conv2d_loops": Task(cases=CONV_CASES, forbids=[*AUTOGRAD, *CONVOLUTIONS, *WINDOWS, *POOLINGS]),
    "conv2d": Task(cases=CONV_CASES, forbids=[*AUTOGRAD, *CONVOLUTIONS], loops=2),
    "conv2d_backward": Task(
        outputs=["the gradient of x", "the gradient of w", "the gradient of b"],
        cases=BACK_CASES,
        forbids=[*AUTOGRAD, *CONVOLUTIONS],
    ),
    "max_pool": Task(cases=pooling(backward=False)[:6], forbids=[*AUTOGRAD, *CONVOLUTIONS, *POOLINGS]),
    "max_pool_backward": Task(cases=pooling(backward=True), forbids=[*AUTOGRAD, *CONVOLUTIONS, *POOLINGS]),
    "average_pool": Task(cases=pooling(backward=False)[:6], forbids=[*AUTOGRAD, *CONVOLUTIONS, *POOLINGS]),
    "average_pool_backward": Task(cases=pooling(backward=True)[:5], forbids=[*AUTOGRAD, *CONVOLUTIONS, *POOLINGS]),
    "batch_norm": Task(
        outputs=["out", "the new running mean", "the new running variance"],
        cases=[
            Case("a batch of 3 in training", norm((3, 2, 2, 3), True, 0.1, 1e-5)),
            Case("a batch of 3 in evaluation", norm((3, 2, 2, 3), False, 0.1, 1e-5)),
            Case("one image in training (large eps)", norm((1, 3, 3, 2), True, 0.7, 0.5)),
            Case("one image in evaluation (large eps)", norm((1, 3, 3, 2), False, 0.7, 0.5)),
            Case("equal sizes everywhere", norm((2, 2, 2, 2), True, 0.25, 1e-3)),
        ],
        forbids=[*AUTOGRAD, *NORMS],
    ),
    "batch_norm_backward": Task(
        outputs=["the gradient of x", "the gradient of scale", "the gradient of shift"],
        cases=[
            Case("a batch of 3", [draw(3, 2, 2, 3), spread(3, 2, 2, 3), draw(2), 1e-5]),
            Case("one image (large eps)", [draw(1, 3, 3, 2), spread(1, 3, 3, 2), draw(3), 0.5]),
            Case("equal sizes everywhere", [draw(2, 2, 2, 2), spread(2, 2, 2, 2), draw(2), 1e-3]),
        ],
        forbids=[*AUTOGRAD, *NORMS],
    ),
    "cnn_shapes": Task(cases=[Case("the network of the table", [])]),
    "cnn_logits": Task(
        cases=[Case("two images", [images(2), 0.9]), Case("one image with other weights", [images(1), 1.7])]
    ),
    "steps_taken": Task(
        outputs=["the losses", "the weight afterwards", "the running mean of the batch norm afterwards"],
        cases=[
            Case("one step on 4 examples", [draw(4, 3, dtype=torch.float32), torch.tensor([0, 2, 1, 2]), 3, 1, 0.9]),
            Case(
                "three steps on 5 examples", [draw(5, 2, dtype=torch.float32), torch.tensor([1, 0, 0, 1, 1]), 2, 3, 1.3]
            ),
        ],
    ),
    "predictions": Task(
        outputs=["the labels", "the running mean of the batch norm afterwards"],
        cases=[
            Case("6 examples of 4 classes", [draw(6, 3, size=3, dtype=torch.float32), 4, 0.9]),
            Case("3 examples of 3 classes", [draw(3, 2, size=3, dtype=torch.float32), 3, 1.3]),
        ],
    ),
    # no functions of data: their checks are `cnn_logits`, `steps_taken` and `predictions`
    "parameter_count": Task(cases=[]),
    "race": Task(cases=[], forbids=["load"]),
}
