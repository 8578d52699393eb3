"""Deep stacks of dense layers: initialisations by name, normalisation, blocks with or without a shortcut."""

from __future__ import annotations

from torch import Tensor, nn

from dlbasics.models import ACTIVATIONS, seeded

# Standard deviations of the two plain normal draws: at a width of 128 one is too small and the other too large.
SMALL, LARGE = 0.01, 0.2
INITIALISATIONS = ("small", "large", "default", "Xavier", "He")
NORMALISATIONS: dict[str, type[nn.Module]] = {"none": nn.Identity, "batch": nn.BatchNorm1d, "layer": nn.LayerNorm}


class Block(nn.Module):
    """Two dense layers, and the input added to their result if ``skip``: ``phi(h + W2 phi(W1 h + b1) + b2)``.

    With and without ``skip`` it has the same parameters. Normalisation, where there is any, follows each dense layer.

    Args:
        width: of input, hidden layer and output.
        activation: a key of `models.ACTIVATIONS`.
        normalise: a key of `NORMALISATIONS`.
        skip: whether the input is added.

    Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, fig. 2.
    """

    def __init__(self, width: int, *, activation: str = "relu", normalise: str = "none", skip: bool = True) -> None:
        super().__init__()
        self.skip = skip
        self.inner = nn.Sequential(
            nn.Linear(width, width),
            NORMALISATIONS[normalise](width),
            ACTIVATIONS[activation](),
            nn.Linear(width, width),
            NORMALISATIONS[normalise](width),
        )
        self.activation = ACTIVATIONS[activation]()

    def forward(self, h: Tensor) -> Tensor:
        """(N, width) -> (N, width)."""
        change = self.inner(h)
        return self.activation(h + change if self.skip else change)


def deep_mlp(
    depth: int,
    *,
    width: int = 128,
    inputs: int = 784,
    outputs: int = 10,
    activation: str = "relu",
    normalise: str = "none",
    skip: bool = False,
) -> nn.Sequential:
    """A stack of ``depth`` dense layers: one that reads the image, blocks of two, and one that writes the logits.

    Args:
        depth: dense layers in all; even, at least 2.
        width: units of every hidden layer.
        inputs: numbers an example (images are flattened first).
        outputs: K.
        activation: a key of `models.ACTIVATIONS`.
        normalise: a key of `NORMALISATIONS`, after every dense layer but the last.
        skip: residual connections around the blocks. They add no parameter.

    Returns:
        A module from (N, ...) to (N, outputs).

    Raises:
        ValueError: a depth that is odd or below 2, an unknown activation or normalisation.
    """
    if depth < 2 or depth % 2:
        raise ValueError(f"depth must be even and at least 2 (blocks hold two layers), got {depth}")
    if activation not in ACTIVATIONS:
        raise ValueError(f"unknown activation {activation!r}; choose from {', '.join(ACTIVATIONS)}")
    if normalise not in NORMALISATIONS:
        raise ValueError(f"unknown normalisation {normalise!r}; choose from {', '.join(NORMALISATIONS)}")
    stem = [nn.Flatten(), nn.Linear(inputs, width), NORMALISATIONS[normalise](width), ACTIVATIONS[activation]()]
    blocks = [Block(width, activation=activation, normalise=normalise, skip=skip) for _ in range((depth - 2) // 2)]
    return nn.Sequential(*stem, *blocks, nn.Linear(width, outputs))


def initialise(model: nn.Module, scheme: str, *, seed: int) -> nn.Module:
    """Draw the weights of every dense and convolutional layer anew, in place; biases become 0 except under "default".

    Args:
        model: whose other parts (normalisation) are left as they are.
        scheme: the standard deviation of a weight, with ``n`` inputs and ``m`` outputs (a convolution counts each
            channel once for every cell of its kernel): "small" 0.01; "large" 0.2; "default" what torch does,
            ``1 / sqrt(3 n)`` (biases too); "Xavier" ``sqrt(2 / (n + m))``; "He" ``sqrt(2 / n)``.
        seed: of the draw; torch's global generator is left as it was.

    Returns:
        The model.

    Raises:
        ValueError: an unknown scheme.

    Source: Glorot & Bengio, AISTATS 2010 (Xavier); He et al., "Delving Deep into Rectifiers", ICCV 2015 (He).
    """
    if scheme not in INITIALISATIONS:
        raise ValueError(f"unknown initialisation {scheme!r}; choose from {', '.join(INITIALISATIONS)}")
    with seeded(seed):
        for layer in model.modules():
            if not isinstance(layer, nn.Linear | nn.Conv2d):
                continue
            if scheme == "default":
                layer.reset_parameters()
                continue
            if scheme == "Xavier":
                nn.init.xavier_normal_(layer.weight)
            elif scheme == "He":
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            else:
                nn.init.normal_(layer.weight, std=SMALL if scheme == "small" else LARGE)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return model
