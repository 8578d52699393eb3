"""Signs of sickness: closed forms, histories made by hand, clean reading, and the stored bank of sick runs."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

from dlbasics import experiments
from dlbasics.blocks import deep_mlp, initialise
from dlbasics.data import Images
from dlbasics.diagnosis import diagnose
from dlbasics.experiments.sick_runs import CASES, HEALTHY, is_hit, names_by_case
from dlbasics.models import Classifier, ConvBackbone, mlp, seeded
from dlbasics.readings import read
from dlbasics.training import History, Recipe, TrainingDivergedError, fit


@pytest.fixture
def images() -> Images:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.rand(40, 1, 28, 28, generator=generator)
    return Images(pixels, torch.arange(40) % 10, tuple("abcdefghij"))


@pytest.fixture
def network() -> nn.Module:
    with seeded(0):
        return mlp((784, 32, 32, 10))


class WithTransformer(nn.Module):
    """A model as a reader may have it: torch's own encoder over the rows of the image."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(28, nhead=4, dim_feedforward=32, batch_first=True, dropout=0.2)
        self.encoder, self.head = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(28, 10)

    def forward(self, pixels):
        return self.head(self.encoder(pixels.squeeze(1)).mean(dim=1))


def run(train, validation=None, ratio=None, step=10):
    """A history of these losses."""
    columns = {"step": [step * (row + 1) for row in range(len(train))], "train_loss": list(train)}
    if validation is not None:
        columns["validation_loss"] = list(validation)
    if ratio is not None:
        columns["update_ratio"] = [ratio] * len(train)
    return History(columns)


# What is read


def test_equal_bets_cost_log_k_and_are_no_sickness(network, images):
    nn.init.zeros_(network[-1].weight)
    nn.init.zeros_(network[-1].bias)
    assert read(network, images).loss == pytest.approx(math.log(10))
    assert "loud start" not in diagnose(network, images=images).names


def test_a_head_that_shouts_is_named_with_its_loss_and_log_k(network, images):
    with torch.no_grad():
        network[-1].weight.mul_(300)
    (finding,) = diagnose(network, images=images).findings
    assert (finding.name, finding.letter) == ("loud start", "A")
    assert f"{read(network, images).loss:.3g}" in finding.seen
    assert "2.30" in finding.seen


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_saturated_is_an_output_whose_slope_is_below_a_tenth(activation, images):
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 4), {"tanh": nn.Tanh, "sigmoid": nn.Sigmoid}[activation]())
    model.append(nn.Linear(4, 10))
    nn.init.zeros_(model[1].weight)
    edge = math.atanh(math.sqrt(0.9)) * (2 if activation == "sigmoid" else 1)  # slope .1 of the steepest, for both
    model[1].bias.data = torch.tensor([-1.01, -0.99, 0.99, 1.01]) * edge
    assert read(model, images).saturated == (0.5,)


def test_the_embeddings_of_a_network_that_ignores_its_input_have_collapsed(network, images):
    nn.init.zeros_(network[3].weight)
    nn.init.ones_(network[3].bias)
    found = read(network, images)
    assert found.cosine == pytest.approx(1)
    assert found.spread == pytest.approx(0, abs=1e-4)


def test_an_encoder_is_read_for_collapse_alone(images):
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(784, 16))
    nn.init.normal_(encoder[1].weight, generator=torch.Generator().manual_seed(0))
    assert diagnose(encoder, images=Images(images.pixels - 0.5, images.labels, images.class_names)).names == []
    nn.init.zeros_(encoder[1].weight)
    assert diagnose(encoder, images=images).names == ["collapse"]


def test_batch_norm_before_its_first_step_is_read_as_training_would_see_it(images):
    with seeded(0):
        backbone = ConvBackbone(width=4)
        model = Classifier(backbone, dimension=backbone.dimension, n_classes=10)
    in_training = nn.functional.cross_entropy(copy.deepcopy(model).train()(images.pixels), images.labels)
    assert read(model, images).loss == pytest.approx(in_training.item(), rel=0.02)


@pytest.mark.parametrize("kind", ["mlp", "cnn", "transformer"])
@pytest.mark.parametrize("training", [True, False])
def test_reading_touches_nothing(kind, training, images):
    with seeded(0):
        if kind == "mlp":
            model = mlp((784, 16, 16, 10), dropout=0.5)
        elif kind == "cnn":
            backbone = ConvBackbone(width=4)
            model = Classifier(backbone, dimension=backbone.dimension, n_classes=10)
        else:
            model = WithTransformer()
    model.train(training)
    first, *_, last = model.parameters()
    first.grad, last.requires_grad = torch.ones_like(first), False
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    diagnose(model, run([2.3, 2.0]), images=images, initial=model)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(random, torch.get_rng_state())
    assert all(part.training == training for part in model.modules())
    assert [parameter.grad is not None for parameter in model.parameters()].count(True) == 1
    assert not last.requires_grad
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())


# What is found at the start


def test_a_deep_stack_of_sigmoids_is_told_where_its_gradient_stays(images):
    found = diagnose(initialise(deep_mlp(10, activation="sigmoid"), "default", seed=0), images=images)
    assert found.names == ["vanishing gradients"]
    assert found.findings[0].letter == "A"


def test_weights_too_large_explode_and_the_loud_start_comes_after_them(images):
    model = initialise(deep_mlp(10), "large", seed=0)
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, nn.Linear):
                layer.weight.mul_(2)
    assert diagnose(model, images=images).names[:2] == ["exploding signals", "loud start"]


def test_units_dead_from_the_start_are_not_laid_to_the_charge_of_training(network, images):
    nn.init.constant_(network[1].bias, -100)
    before = diagnose(network, run([2.3, 2.3]), images=images, initial=network)
    (finding,) = before.findings
    assert (finding.name, finding.letter) == ("dead units", "A")
    assert "100%" in finding.seen
    assert "from the start" in finding.seen


def test_units_that_training_killed_come_after_the_rate_that_did_it(network, images):
    after = copy.deepcopy(network)
    nn.init.constant_(after[1].bias, -100)
    found = diagnose(after, run([9.0, 2.3]), images=images, initial=network)
    assert found.names == ["rate too high", "dead units"]
    assert [finding.letter for finding in found.findings] == ["O", "O"]


# What is found in a history


def test_a_loss_that_is_no_number_comes_first(network, images):
    for parameter in network.parameters():
        parameter.data.fill_(math.nan)
    found = diagnose(network, run([2.5, math.nan]), images=images)
    assert found.names == ["divergence"]
    assert "step 20" in found.findings[0].seen


def test_the_error_of_a_run_that_diverges_brings_its_history(network, images):
    with pytest.raises(TrainingDivergedError) as caught:
        fit(
            network, images, Recipe(steps=40, batch_size=20, look_every=5), progress=False, device="cpu",
            optimiser=torch.optim.SGD(network.parameters(), lr=1e30),
        )  # fmt: skip
    assert not math.isfinite(caught.value.history["train_loss"][-1])
    assert diagnose(network, caught.value.history).names[0] == "divergence"


def test_small_steps_with_little_gain_are_too_small(network):
    assert diagnose(network, run([2.30, 2.29, 2.28], ratio=1e-4)).names == ["rate too low"]
    assert diagnose(network, run([2.30, 1.5, 1.0], ratio=1e-4)).names == []
    assert diagnose(network, run([2.30, 2.29, 2.28], ratio=1e-2)).names == []


def test_over_fitting_is_named_with_the_step_at_which_validation_turned(network):
    found = diagnose(network, run([2.0, 1.0, 0.5, 0.2, 0.1], [2.0, 1.2, 0.8, 1.0, 1.4]))
    assert found.names == ["over-fitting"]
    assert "step 30" in found.findings[0].seen


def test_a_validation_that_was_not_measured_everywhere_is_no_divergence(network):
    columns = {"train_loss": [2.0, 1.0, 0.5, 0.2], "validation_loss": [2.0, None, 0.6, math.nan]}
    assert diagnose(network, columns).names == []


def test_a_loss_that_settles_high_is_under_fitting_and_one_that_still_falls_is_not(network, images):
    settled, falling = [2.3, 2.0, *[1.8] * 7], [2.3 - 0.15 * row for row in range(9)]
    assert diagnose(network, run(settled), images=images).names == ["under-fitting"]
    assert diagnose(network, run(falling), images=images).names == []


# How it speaks


def test_it_says_what_was_seen_and_what_to_try(network):
    words = str(diagnose(network, run([2.30, 2.29, 2.28], ratio=1e-4)))
    assert words.startswith("1. rate too low (look under O)")
    assert "0.0001" in words
    assert "ten times larger" in words
    assert "No sign" in str(diagnose(network, run([2.3, 1.0])))


def test_its_html_lists_the_findings_and_escapes_them(network):
    assert diagnose(network, run([2.3, 1.0]))._repr_html_().startswith("<p>No sign")
    assert "<li><strong>rate too low" in diagnose(network, run([2.3, 2.29, 2.28], ratio=1e-4))._repr_html_()


def test_what_cannot_be_read_is_named(network, images):
    with pytest.raises(ValueError, match="nothing to read"):
        diagnose(network)
    with pytest.raises(ValueError, match=r"train_loss.*got \['loss'\]"):
        diagnose(network, {"loss": [1.0]})
    with pytest.raises(ValueError, match=r"2 rows .*'validation_loss': 1"):
        diagnose(network, {"train_loss": [2.0, 1.0], "validation_loss": [1.0]})
    with pytest.raises(ValueError, match=r"at least two images .* got 1"):
        read(network, images[:1])
    with pytest.raises(TypeError, match="logits"):
        read(nn.Sequential(nn.Flatten(0)), images)


# The bank


def test_the_bank_names_what_was_planted_and_accuses_no_healthy_run():
    found = names_by_case(experiments.load("sick_runs").values)
    hits = {name: [is_hit(CASES[name], names) for names in runs] for name, runs in found.items()}
    sick = [hit for name, runs in hits.items() if CASES[name].sickness != HEALTHY for hit in runs]
    healthy = [hit for name, runs in hits.items() if CASES[name].sickness == HEALTHY for hit in runs]
    assert len(sick) >= 80
    assert sum(sick) >= 0.9 * len(sick)
    assert len(healthy) >= 40
    assert sum(healthy) >= 0.95 * len(healthy)
