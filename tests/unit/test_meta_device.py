"""The bare step of every trainer on other devices: on meta everywhere, on an accelerator where there is one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from dlbasics import device, pretraining
from dlbasics.augment import STRONG
from dlbasics.data import Images
from dlbasics.models import Classifier, ConvBackbone, Decoder, projection_head
from dlbasics.training import Recipe, adamw, cross_entropy, fit, update, validator

ACCELERATORS = [name for name in device.present_devices() if name != "cpu"]
WIDTH = 2

TRAINERS = {
    "classifier": (cross_entropy, lambda b: Classifier(b, dimension=b.dimension, n_classes=10)),
    "contrastive": (
        pretraining.contrastive_loss(STRONG, temperature=0.1),
        lambda b: nn.Sequential(b, projection_head(b.dimension)),
    ),
    "autoencoder": (
        pretraining.autoencoder_loss(STRONG),
        lambda b: nn.Sequential(b, Decoder(b.dimension, width=WIDTH)),
    ),
    "masked": (pretraining.masked_loss(0.6), lambda b: nn.Sequential(b, Decoder(b.dimension, width=WIDTH))),
}


def accelerator() -> torch.device:
    if not ACCELERATORS:
        pytest.skip("no accelerator here, only the processor: the step was checked on meta alone")
    return torch.device(ACCELERATORS[0])


def images() -> Images:
    return Images(torch.rand(16, 1, 28, 28), torch.arange(16) % 10, tuple("0123456789"))


@pytest.mark.parametrize("trainer", TRAINERS)
def test_the_bare_step_runs_on_the_meta_device(trainer):
    loss, build = TRAINERS[trainer]
    model = build(ConvBackbone(width=WIDTH)).to("meta")
    optimiser = adamw(model, Recipe(steps=1))
    value = loss(model, images().to("meta"), None)
    assert value.device.type == "meta"
    assert value.shape == ()
    norm = update(value, model, optimiser, clip=1.0)
    assert norm.device.type == "meta"
    assert all(parameter.grad is not None and parameter.grad.is_meta for parameter in model.parameters())


@pytest.mark.parametrize("trainer", TRAINERS)
def test_the_bare_step_moves_every_weight_on_the_accelerator(trainer):
    where = accelerator()
    loss, build = TRAINERS[trainer]
    model = build(ConvBackbone(width=WIDTH)).to(where)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    generator = torch.Generator(where).manual_seed(0)
    update(loss(model, images().to(where), generator), model, adamw(model, Recipe(steps=1)))
    for old, new in zip(before, model.parameters(), strict=True):
        assert new.device.type == where.type
        assert new.isfinite().all()
        assert not torch.equal(old, new)


def test_a_whole_run_takes_place_on_the_accelerator():
    where = accelerator()
    model = Classifier(ConvBackbone(width=WIDTH), dimension=16 * WIDTH, n_classes=10)
    history = fit(
        model,
        images(),
        Recipe(steps=4, look_every=2, augment=STRONG),
        measure=validator(images()),
        device=where,
        progress=False,
    )
    assert next(model.parameters()).device.type == where.type
    assert history["step"] == [2, 4]
