import itertools
import math

import pytest
import torch
from torch import nn

from dlbasics import data, models
from dlbasics.experiments.clinic import CHOICES, DROPOUT, SIGNALS, name_of, network, trained


def images(count: int) -> data.Images:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % 10
    return data.Images(torch.rand(count, 1, 28, 28, generator=generator), labels, tuple("abcdefghij"))


@pytest.mark.parametrize(
    ("architecture", "activation", "beside"),
    list(itertools.product(CHOICES["architecture"], CHOICES["activation"], CHOICES["beside"])),
)
def test_every_network_has_as_many_norms_or_dropouts_as_activations(
    architecture: str, activation: str, beside: str
) -> None:
    model = network(architecture, activation, beside, seed=0, depth=4)
    assert model(torch.rand(3, 1, 28, 28)).shape == (3, 10)
    parts = list(model.modules())
    activations = sum(isinstance(part, models.ACTIVATIONS[activation]) for part in parts)
    norms = sum(isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d) for part in parts)
    drops = [part.p for part in parts if isinstance(part, nn.Dropout)]
    assert activations > 0
    assert norms == (activations if beside == "batch norm" else 0)
    assert drops == ([DROPOUT] * activations if beside == "dropout" else [])


def test_the_first_look_comes_before_the_first_step() -> None:
    model = network("shallow", "relu", "nothing", seed=0)
    few = images(20)
    with torch.no_grad():
        before = nn.functional.cross_entropy(model(few.pixels), few.labels).item()
    seen = trained(model, few, few, optimiser="SGD", rate=0.1, seed=0, looks=[0, 3], batch_size=10)
    assert list(seen) == list(SIGNALS)
    assert seen["train_loss"][0] == pytest.approx(before, rel=5e-3)


def test_a_run_that_diverges_has_no_values_from_there_on() -> None:
    model = network("residual", "relu", "nothing", seed=0, depth=8)
    seen = trained(model, images(20), images(20), optimiser="SGD", rate=1e4, seed=0, looks=[0, 5, 10], batch_size=10)
    assert seen["train_loss"][0] is not None
    assert math.isfinite(seen["train_loss"][0])
    assert [values[-1] for values in seen.values()] == [None] * len(SIGNALS)


@pytest.mark.parametrize(
    ("activation", "idle", "silent"), [("relu", "dead", "saturated"), ("tanh", "saturated", "dead")]
)
def test_a_leap_leaves_units_idle_in_the_way_of_their_activation(activation: str, idle: str, silent: str) -> None:
    model = network("shallow", activation, "nothing", seed=0)
    seen = trained(model, images(20), images(20), optimiser="Adam", rate=10.0, seed=0, looks=[0, 3], batch_size=10)
    before, after = seen[idle]
    assert before is not None
    assert after is not None
    assert before < 0.3 < 0.8 < after
    assert seen[silent] == [None, None]


def test_a_setting_is_named_by_its_choices() -> None:
    assert name_of(("shallow", "relu", "nothing", "SGD", 1e-4)) == "shallow/relu/nothing/SGD/0.0001"
