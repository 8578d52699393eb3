"""The fixed cases of the visible checks: chosen so that every mistake of the bank gives its own result on them."""

import torch

from dlbasics.checking.tasks import Case, Task

generator = torch.Generator().manual_seed(3)

ESCAPES = ["torch._C", "torch.ops", "exec", "__import__", "importlib"]
READY = [
    *ESCAPES,
    "cross_entropy",
    "CrossEntropyLoss",
    "nll_loss",
    "NLLLoss",
    "softmax",
    "Softmax",
    "log_softmax",
    "LogSoftmax",
    "softmin",
    "triplet_margin_loss",
    "NTXentLoss",
    "InfoNCE",
    "info_nce",
    "lightly",
    "pytorch_metric_learning",
]
LOOPED_LOSS = [*READY, "logsigmoid", "softplus"]
VIEWS = [*ESCAPES, "torchvision", "kornia", "albumentations", "skimage"]
PACKAGE = ["dlbasics.data", "dlbasics.models"]  # the given cells of the run use them


def draw(*shape: int, size: float = 1.0, shift: float = 0.0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Random numbers with two decimals: short to store, and the same on every machine."""
    drawn = size * torch.randn(shape, generator=generator, dtype=torch.float64) + shift
    return drawn.round(decimals=2).to(dtype)


def pictures(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Intensities in [0, 1] with two decimals."""
    return torch.rand(shape, generator=generator, dtype=torch.float64).round(decimals=2).to(dtype)


def whole(*numbers: int) -> torch.Tensor:
    """Whole numbers."""
    return torch.tensor(numbers)


def real(*rows: list[float], dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """A matrix."""
    return torch.tensor(rows, dtype=dtype)


# Three batches for temperatures of 0.005, where the exponential of a similarity of 0.45 or more overflows float32: one
# in which only that of an embedding with itself does, one in which all are nearly alike, one in which the wrong partner
# is the nearest.
corners = torch.eye(6, 8, dtype=torch.float64) * torch.tensor([[1.0], [2.0], [1.5], [1.0], [3.0], [0.5]])
corners = (corners + 0.05 * torch.randn(6, 8, generator=generator, dtype=torch.float64)).round(decimals=2).float()
alike = draw(6, 4, size=0.25, shift=1.0, dtype=torch.float32)
astray = draw(3, 5, dtype=torch.float64)
astray_partner = (astray.roll(1, dims=0) + 0.2 * torch.randn(3, 5, generator=generator, dtype=torch.float64)).round(
    decimals=2
)

few = [draw(3, 4), draw(3, 4)]
batches = [
    Case("3 images at a temperature of 0.5", [*few, 0.5]),
    Case("2 images at a temperature of 0.25", [draw(2, 3, size=3), draw(2, 3), 0.25]),
    Case("4 images at a temperature of 0.8", [draw(4, 4), draw(4, 4, size=2), 0.8]),
]
small_temperatures = [
    Case("float32 at a temperature of 0.005 with embeddings at nearly right angles", [corners[:3], corners[3:], 0.005]),
    Case(
        "float32 at a temperature of 0.005 with embeddings that are much alike",
        [alike[:3], alike[3:], 0.005],
        tolerance=1e-3,
    ),
    Case(
        "float32 at a temperature of 0.005 with other images nearer than the positive",
        [astray.float(), astray_partner.float(), 0.005],
        tolerance=1e-3,
    ),
]
close = draw(4, 3, shift=0.7)

upper_left = torch.zeros(12, 1, 10, 14)
upper_left[1::2, :, :4, :6] = 0.8

mixing = draw(2, 16)
flat = draw(30, 2) @ mixing + 0.01 * draw(30, 16)
heading = draw(1, 16)
round_space = draw(30, 16)

TASKS = {
    "cosine_similarity": Task(
        forbids=[*ESCAPES, "cosine_similarity", "CosineSimilarity", "cosine_distances", "normalize", "cosine", "cdist"],
        cases=[
            Case("2 vectors and 3 vectors of 4 numbers", [draw(2, 4), draw(3, 4)]),
            Case("3 vectors and 3 vectors of 3 numbers", [draw(3, 3, size=2), draw(3, 3)]),
            Case("a vector of zeros among others", [real([1, -2], [0, 0]), real([0, 0], [3, 1], [-1, 1])]),
        ],
    ),
    "nt_xent_loops": Task(forbids=LOOPED_LOSS, cases=batches),
    "nt_xent": Task(forbids=READY, loops=0, cases=[*batches, *small_temperatures]),
    "loss_and_gradients": Task(
        title="the gradients of `nt_xent`",
        forbids=READY,
        cases=[
            Case("3 images at a temperature of 0.5", [*few, 0.5]),
            Case("2 images at a temperature of 0.25", [draw(2, 3, size=3), draw(2, 3), 0.25]),
            Case(
                "float32 at a temperature of 0.005 with embeddings at nearly right angles",
                [corners[:3], corners[3:], 0.005],
                tolerance=1e-3,
            ),
        ],
    ),
    "flip_where": Task(
        forbids=VIEWS,
        cases=[
            Case("3 images of 2 by 4", [pictures(3, 1, 2, 4), torch.tensor([True, False, True])]),
            Case("3 images of 3 by 3", [pictures(3, 1, 3, 3), torch.tensor([False, True, False])]),
        ],
    ),
    "shift_by": Task(
        forbids=VIEWS,
        cases=[
            Case("3 images of 4 by 5", [pictures(3, 1, 4, 5), whole(1, 0, -2), whole(0, 2, -1)]),
            Case("2 images of 4 by 4", [pictures(2, 1, 4, 4), whole(-1, 3), whole(2, 1)]),
        ],
    ),
    "scale_brightness": Task(
        forbids=VIEWS,
        cases=[
            Case("3 images of 2 by 4", [pictures(3, 1, 2, 4), torch.tensor([0.5, 1.75, 1.25], dtype=torch.float64)]),
            Case("3 images of 3 by 3", [pictures(3, 1, 3, 3), torch.tensor([2.0, 0.25, 1.5], dtype=torch.float64)]),
        ],
    ),
    "random_view": Task(
        forbids=VIEWS, cases=[Case("3 black images of 5 by 8", [torch.zeros(3, 1, 5, 8), 0], tolerance=20.0)]
    ),
    "two_views": Task(
        outputs=["the first views", "the second views"],
        forbids=VIEWS,
        cases=[Case("3 black images of 5 by 8", [torch.zeros(3, 1, 5, 8), 0], tolerance=20.0)],
    ),
    "view_report": Task(
        title="the views of `two_views`",
        forbids=VIEWS,
        cases=[
            Case("12 images under the seed 1", [upper_left, 1]),
            Case("12 images under the seed 4", [upper_left, 4]),
        ],
    ),
    "alignment": Task(
        forbids=ESCAPES,
        cases=[
            Case("3 images in 4 dimensions", [draw(3, 4), draw(3, 4, size=2)]),
            Case("4 images whose views are close to each other", [close, close + 0.3 * draw(4, 3)]),
            Case("3 images in 3 dimensions", [draw(3, 3), draw(3, 3)]),
        ],
    ),
    "uniformity": Task(
        forbids=ESCAPES,
        cases=[
            Case("4 embeddings of 3 numbers", [draw(4, 3)]),
            Case("5 embeddings that are close to each other", [draw(5, 5, size=0.5, shift=1.0)]),
            Case("2 embeddings", [draw(2, 4, size=3)]),
        ],
    ),
    "steps_of_a_linear_encoder": Task(
        title="`contrastive_step`",
        forbids=[*ESCAPES, "lightly", "pytorch_metric_learning"],
        cases=[
            Case(
                "3 steps with 3 images of 4 numbers",
                [draw(2, 4), [draw(3, 4) for _ in range(3)], [draw(3, 4) for _ in range(3)], 0.5, 0.8],
            ),
            Case("1 step at a temperature of 0.2", [draw(3, 2), [draw(2, 2)], [draw(2, 2)], 0.2, 0.5]),
        ],
    ),
    "pretrain": Task(forbids=[*ESCAPES, "lightly", "pytorch_metric_learning"], allows=PACKAGE, cases=[]),
    "split_report": Task(
        title="`split`",
        forbids=ESCAPES,
        cases=[
            Case("60 rows that are divided into three", [60, [30, 18, 12], 0]),
            Case("90 rows of which 40 and 20 are used", [90, [40, 20], 3]),
        ],
    ),
    "standardise": Task(
        outputs=["the training part", "the queries"],
        forbids=[*ESCAPES, "StandardScaler", "sklearn"],
        cases=[
            Case("4 rows to learn from and 2 queries", [draw(4, 3, size=3, shift=1), draw(2, 3)]),
            Case("3 rows to learn from and 3 queries", [draw(3, 3, size=0.5, shift=-2), draw(3, 3, shift=1)]),
            Case(
                "a dimension that does not vary over the training part",
                [real([1, 5], [2, 5], [4, 5]), real([3, 5.5], [0, 4])],
            ),
        ],
    ),
    "embedding_report": Task(
        title="`embed`",
        forbids=ESCAPES,
        cases=[
            Case(
                f"an encoder in {mode} mode",
                [draw(2, 4), draw(2), pictures(2) + 0.5, pictures(3, 1, 2, 2), mode == "train"],
            )
            for mode in ("train", "eval")
        ],
    ),
    "audit": Task(
        title="`honest_report`",
        forbids=ESCAPES,
        cases=[
            Case(
                "4 settings with 3 runs each",
                [
                    [0.01, 0.1, 1.0, 10.0],
                    real([0.50, 0.62, 0.51], [0.68, 0.52, 0.74], [0.66, 0.65, 0.67], [0.30, 0.80, 0.60]),
                    [0.71, 0.58, 0.63, 0.69],
                ],
            ),
            Case(
                "3 settings of which two are equal",
                [[2.0, 1.0, 3.0], real([0.5, 0.5], [0.75, 0.5], [0.5, 0.75]), [0.4, 0.55, 0.6]],
            ),
        ],
    ),
    "health": Task(
        forbids=ESCAPES,
        cases=[
            Case("5 embeddings of 3 numbers", [draw(5, 3, size=2, shift=0.5)]),
            Case("6 embeddings that point one way", [draw(6, 4, size=0.3, shift=2)]),
            Case("3 embeddings of 3 numbers", [draw(3, 3)]),
        ],
    ),
    "diagnose": Task(
        forbids=ESCAPES,
        cases=[
            Case("embeddings in all directions", [round_space]),
            Case("very short embeddings in all directions", [0.001 * round_space]),
            Case("embeddings around a common mean", [round_space + heading / heading.norm() * 3]),
            Case("embeddings after a ReLU", [round_space.clamp(min=0)]),
            Case("embeddings that differ in the third digit only", [heading + 0.01 * draw(30, 16)]),
            Case("long embeddings that differ little beside their length", [100 * heading + 2 * draw(30, 16)]),
            Case("one direction with a tiny rest in two others", [heading + 0.02 * flat]),
            Case("embeddings in a plane", [flat]),
            Case("very long embeddings in a plane", [1000 * flat]),
        ],
    ),
}
