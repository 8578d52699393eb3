"""The training loop: it updates as AdamW does, stops early, resumes to the last bit, and speaks when it diverges."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlbasics import schedules
from dlbasics.augment import Augment
from dlbasics.data import Batches, Images
from dlbasics.models import seeded
from dlbasics.training import (
    History,
    Recipe,
    TrainingDivergedError,
    adamw,
    cross_entropy,
    fit,
    predict_logits,
    update,
    validator,
)


def toy(n: int = 60, *, seed: int = 0, dtype: torch.dtype = torch.float32) -> Images:
    """Noise with a bright row at the height that its label says: 8x8, three classes."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 3
    pixels = 0.5 * torch.rand(n, 1, 8, 8, generator=generator, dtype=dtype)
    pixels[torch.arange(n), 0, 2 * labels + 1] += 0.5
    return Images(pixels, labels, ("high", "middle", "low"))


def network(seed: int = 0) -> nn.Sequential:
    """Everything that has a state or draws numbers: convolution, batch norm, dropout."""
    with seeded(seed):
        return nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.3), nn.Linear(144, 3)
        )


def linear(seed: int = 0) -> nn.Sequential:
    with seeded(seed):
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 3))


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def assert_same_weights(first: dict[str, Tensor], second: dict[str, Tensor]) -> None:
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name


def train(model: nn.Module, recipe: Recipe, images: Images | None = None, **options) -> History:
    return fit(model, images or toy(), recipe, device="cpu", progress=False, **options)


class PowerCutError(Exception):
    """What a power cut is to these tests."""


def interrupt_at_look(number: int, measure: Callable) -> Callable:
    looks = 0

    def measure_or_die(model: nn.Module) -> dict[str, float]:
        nonlocal looks
        looks += 1
        if looks == number:
            raise PowerCutError
        return measure(model)

    return measure_or_die


EVERYTHING = Recipe(
    steps=30,
    batch_size=16,
    learning_rate=5e-3,
    schedule=schedules.warm_up(schedules.cosine(25), steps=5),
    augment=Augment(shift=0.1, brightness=0.2, noise=0.05),
    clip=1.0,
    look_every=4,
    patience=6,
    seed=3,
)


@pytest.mark.parametrize("deaths", [(1,), (2,), (5,), (8,), (3, 2, 1)])
def test_an_interrupted_and_resumed_run_equals_an_uninterrupted_one_to_the_last_bit(tmp_path, deaths):
    validation, checkpoint = validator(toy(30, seed=1)), tmp_path / "runs" / "run.pt"
    torch.manual_seed(7)
    straight = network()
    expected = train(straight, EVERYTHING, measure=validation)

    for look in deaths:
        torch.manual_seed(7 if not checkpoint.exists() else 999)  # a new process knows nothing of the old one
        with pytest.raises(PowerCutError):
            train(network(), EVERYTHING, measure=interrupt_at_look(look, validation), checkpoint=checkpoint)
    torch.manual_seed(7 if not checkpoint.exists() else 999)
    resumed = network(seed=5 if checkpoint.exists() else 0)
    history = train(resumed, EVERYTHING, measure=validation, checkpoint=checkpoint)

    assert_same_weights(weights(resumed), weights(straight))
    assert (history.best_step, history.stopped_early) == (expected.best_step, expected.stopped_early)
    assert history.columns.keys() == expected.columns.keys()
    for name in expected.columns.keys() - {"seconds"}:
        assert history[name] == expected[name], name
    assert all(earlier < later for earlier, later in zip(history["seconds"], history["seconds"][1:], strict=False))


def test_a_finished_run_leaves_no_checkpoint(tmp_path):
    train(linear(), Recipe(steps=4, look_every=2), checkpoint=tmp_path / "run.pt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"learning_rate": 1e-2}, "learning_rate"),
        ({"seed": 4}, "seed"),
        ({"augment": Augment()}, "augment"),
        ({"schedule": None}, "schedule"),
        ({"steps": 40}, "steps"),
    ],
)
def test_a_checkpoint_under_other_settings_is_refused_by_their_name(tmp_path, change, name):
    path = tmp_path / "run.pt"
    with pytest.raises(PowerCutError):
        train(network(), EVERYTHING, measure=interrupt_at_look(3, validator(toy())), checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=rf"run\.pt was written under other settings \(.*{name}.*\); delete it"):
        train(network(), replace(EVERYTHING, **change), measure=validator(toy()), checkpoint=path)
    assert path.read_bytes() == before


def test_the_update_is_adamw_as_written_in_its_paper():
    recipe = Recipe(steps=4, batch_size=60, learning_rate=0.03, weight_decay=0.1, look_every=4)
    model, images = linear().double(), toy(dtype=torch.float64)
    theta = [parameter.detach().clone() for parameter in model.parameters()]
    train(model, recipe, images)

    m = [torch.zeros_like(p) for p in theta]
    v = [torch.zeros_like(p) for p in theta]
    x, one_hot = images.pixels.flatten(1), F.one_hot(images.labels).double()
    for t in range(1, 5):
        error = ((x @ theta[0].T + theta[1]).softmax(dim=1) - one_hot) / len(x)  # the gradient of cross-entropy
        for i, gradient in enumerate((error.T @ x, error.sum(dim=0))):
            m[i] = 0.9 * m[i] + 0.1 * gradient
            v[i] = 0.999 * v[i] + 0.001 * gradient**2
            step = (m[i] / (1 - 0.9**t)) / ((v[i] / (1 - 0.999**t)).sqrt() + 1e-8)
            theta[i] = theta[i] - 0.03 * (step + 0.1 * theta[i])
    for found, expected in zip(model.parameters(), theta, strict=True):
        torch.testing.assert_close(found.detach(), expected, rtol=1e-9, atol=1e-12)


def test_the_schedule_and_the_batches_reach_the_optimiser():
    recipe = Recipe(steps=6, batch_size=16, learning_rate=0.2, schedule=schedules.step_decay(2), look_every=1, seed=9)
    model, oracle = linear(), linear()
    history = train(model, recipe, optimiser=torch.optim.SGD(model.parameters(), lr=0.2))
    batches = Batches(toy(), 16, seed=9)
    for step in range(6):
        batch = batches(step)
        gradients = torch.autograd.grad(F.cross_entropy(oracle(batch.pixels), batch.labels), list(oracle.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(oracle.parameters(), gradients, strict=True):
                parameter -= 0.2 * 0.1 ** (step // 2) * gradient
    torch.testing.assert_close(weights(model), weights(oracle))
    assert history["learning_rate"] == pytest.approx([0.2, 0.2, 0.02, 0.02, 0.002, 0.002])


@pytest.mark.parametrize("clip", [0.01, 0.5, 1000.0, None])
def test_clipping_bounds_the_gradient_and_reports_what_it_was(clip):
    model, images = linear().double(), toy(dtype=torch.float64)
    before = torch.cat([p.detach().clone().flatten() for p in model.parameters()])
    loss = 10 * cross_entropy(model, images)
    size = torch.cat(
        [g.flatten() for g in torch.autograd.grad(loss, list(model.parameters()), retain_graph=True)]
    ).norm()
    reported = update(loss, model, torch.optim.SGD(model.parameters(), lr=1.0), clip=clip)
    moved = (torch.cat([p.detach().flatten() for p in model.parameters()]) - before).norm()
    assert reported.item() == pytest.approx(size.item())
    assert moved.item() == pytest.approx(min(size.item(), math.inf if clip is None else clip), rel=1e-5)


def test_the_update_does_not_add_to_gradients_that_were_there():
    model = linear()
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 100.0)
    reference = linear()
    for one in (model, reference):
        update(cross_entropy(one, toy()), one, torch.optim.SGD(one.parameters(), lr=0.1))
    assert_same_weights(weights(model), weights(reference))


def test_early_stopping_restores_the_weights_of_the_lowest_validation_loss():
    scripted = [0.9, 0.5, 0.7, 0.3, 0.4, 0.6, 0.35, 0.1]
    seen: list[dict[str, Tensor]] = []

    def measure(model: nn.Module) -> dict[str, float]:
        assert not model.training
        seen.append(weights(model))
        return {"validation_loss": scripted[len(seen) - 1]}

    model = network()
    history = train(model, Recipe(steps=80, look_every=10, patience=3), measure=measure)
    assert history.stopped_early
    assert history.best_step == 40
    assert history["step"] == [10, 20, 30, 40, 50, 60, 70]
    assert_same_weights(weights(model), seen[3])
    assert not model.training


def test_the_best_weights_come_back_without_patience_too_unless_the_last_are_wanted():
    for restore in (True, False):
        seen: list[dict[str, Tensor]] = []

        def measure(model: nn.Module, seen: list = seen) -> dict[str, float]:
            seen.append(weights(model))
            return {"validation_loss": [3.0, 1.0, 2.0][len(seen) - 1]}

        model = network()
        history = train(model, Recipe(steps=15, look_every=5, restore_best=restore), measure=measure)
        assert (history.best_step, history.stopped_early) == (10, False)
        assert_same_weights(weights(model), seen[1 if restore else 2])


def test_patience_without_a_measure_is_refused():
    with pytest.raises(ValueError, match="patience needs a measure that returns validation_loss, got measure=None"):
        train(linear(), Recipe(steps=5, patience=2))


def test_a_loss_that_is_not_a_number_stops_the_run_with_step_and_remedy():
    def loss(model: nn.Module, batch: Images, generator: torch.Generator | None) -> Tensor:
        return cross_entropy(model, batch) * math.nan

    with pytest.raises(TrainingDivergedError, match=r"nan by step 5 .*learning rate ten times smaller.*clip=1.0"):
        train(linear(), Recipe(steps=20, look_every=5), loss=loss)


def test_a_learning_rate_that_is_far_too_large_is_reported_as_divergence():
    def square(model: nn.Module, batch: Images, generator: torch.Generator | None) -> Tensor:
        return model(batch.pixels).square().mean()

    model = linear()
    with pytest.raises(TrainingDivergedError, match=r"(nan|inf) by step \d+ \(learning rate 1e\+03"):
        train(
            model,
            Recipe(steps=200, look_every=10, learning_rate=1e3),
            loss=square,
            optimiser=torch.optim.SGD(model.parameters(), lr=1e3),
        )


def test_the_history_is_columns_of_equal_length_with_a_row_for_every_look_and_the_end():
    history = train(network(), Recipe(steps=11, look_every=4), measure=validator(toy(9)))
    assert history["step"] == [4, 8, 11]
    assert set(history.columns) == {
        "step", "train_loss", "learning_rate", "gradient_norm", "update_ratio", "seconds",
        "validation_loss", "validation_accuracy",
    }  # fmt: skip
    assert {len(column) for column in history.columns.values()} == {3}
    assert all(type(value) is float for column in history.columns.values() for value in column)


def test_statistics_of_the_history_are_what_they_are_called():
    recipe = Recipe(steps=3, batch_size=60, learning_rate=0.1, look_every=3)
    model, oracle = linear(), linear()
    history = train(model, recipe, optimiser=torch.optim.SGD(model.parameters(), lr=0.1))
    losses, norms = [], []
    for _ in range(3):
        before = nn.utils.parameters_to_vector(oracle.parameters()).detach()
        loss = F.cross_entropy(oracle(toy().pixels), toy().labels)
        gradients = torch.autograd.grad(loss, list(oracle.parameters()))
        gradient = torch.cat([g.flatten() for g in gradients])
        nn.utils.vector_to_parameters(before - 0.1 * gradient, oracle.parameters())
        losses.append(loss.item())
        norms.append(gradient.norm().item())
    assert history["train_loss"] == pytest.approx([sum(losses) / 3], rel=1e-5)
    assert history["gradient_norm"] == pytest.approx([max(norms)], rel=1e-5)
    assert history["update_ratio"] == pytest.approx([0.1 * norms[-1] / before.norm().item()], rel=1e-3)


def test_the_loss_falls_and_the_classes_are_learnt():
    history = train(network(), Recipe(steps=80, batch_size=20, learning_rate=1e-2), measure=validator(toy(30, seed=1)))
    assert history["train_loss"][-1] < 0.5 * math.log(3)
    assert history["validation_accuracy"][-1] > 0.9


def test_the_seed_decides_a_run_and_another_seed_is_another_run():
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(0)  # dropout
        model = network()
        train(model, replace(EVERYTHING, seed=seed, patience=None))
        found.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_the_loss_receives_an_augmented_batch_and_the_images_stay_as_they_were():
    images = toy()
    before, seen = images.pixels.clone(), []

    def loss(model: nn.Module, batch: Images, generator: torch.Generator | None) -> Tensor:
        seen.append(batch)
        return cross_entropy(model, batch, generator)

    train(linear(), Recipe(steps=1, batch_size=60, augment=Augment(brightness=0.5)), images, loss=loss)
    assert torch.equal(images.pixels, before)
    plain = Batches(images, 60, seed=0)(0)
    assert torch.equal(seen[0].labels, plain.labels)
    ratio = (seen[0].pixels.sum(dim=(1, 2, 3)) / plain.pixels.sum(dim=(1, 2, 3))).tolist()
    assert min(ratio) < 0.8
    assert max(ratio) > 1.1


def test_mixed_precision_keeps_the_weights_in_single_precision_and_learns_the_same():
    plain, mixed = network(), network()
    recipe = Recipe(steps=20, batch_size=20, learning_rate=1e-2, look_every=20)
    losses = []
    for model, mix in ((plain, False), (mixed, True)):
        torch.manual_seed(0)
        losses.append(train(model, recipe, mixed_precision=mix)["train_loss"][0])
    assert {p.dtype for p in mixed.parameters()} == {torch.float32}
    assert losses[1] == pytest.approx(losses[0], rel=0.05)
    assert losses[1] != losses[0]


def test_a_frozen_part_is_left_exactly_as_it_was_statistics_included():
    model = network()
    frozen = model[:2].requires_grad_(False)
    before = weights(frozen)
    history = train(model, Recipe(steps=6, look_every=2), measure=validator(toy(9)))
    assert_same_weights(weights(frozen), before)
    assert not torch.equal(model[5].weight, network()[5].weight)
    assert math.isfinite(history["gradient_norm"][0])


def test_a_progress_bar_is_shown_live_and_none_while_a_book_is_built(capsys, monkeypatch):
    recipe = Recipe(steps=3, look_every=1)
    fit(linear(), toy(), recipe, device="cpu", description="a live run")
    assert "a live run" in capsys.readouterr().err
    monkeypatch.setenv("DLBASICS_BOOK", "1")
    fit(linear(), toy(), recipe, device="cpu")
    assert capsys.readouterr().err == ""


def test_a_progress_bar_can_be_asked_for_and_refused(capsys, monkeypatch):
    fit(linear(), toy(), Recipe(steps=2), device="cpu", progress=False)
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("DLBASICS_BOOK", "1")
    fit(linear(), toy(), Recipe(steps=2), device="cpu", progress=True, description="wanted")
    assert "wanted" in capsys.readouterr().err


@pytest.mark.parametrize("training", [True, False])
def test_predicting_leaves_the_mode_of_every_part_as_it_was(training):
    model = network().train(training)
    model[1].eval()  # a frozen batch norm
    predict_logits(model, toy().pixels)
    assert [part.training for part in model] == [training, False, training, training, training, training]


def test_predictions_do_not_depend_on_the_batches_they_were_made_in():
    model = network()
    whole = predict_logits(model, toy(25).pixels)
    torch.testing.assert_close(predict_logits(model, toy(25).pixels, batch_size=4), whole)
    torch.testing.assert_close(whole, model.eval()(toy(25).pixels).detach())
    assert not whole.requires_grad


def test_a_validator_measures_mean_cross_entropy_and_accuracy():
    model, images = linear(), toy(31)
    found = validator(images)(model)
    probabilities = model(images.pixels).softmax(dim=1).detach()
    picked = probabilities[torch.arange(31), images.labels]
    assert found["validation_loss"] == pytest.approx(-picked.log().mean().item(), rel=1e-5)
    assert found["validation_accuracy"] == pytest.approx(
        sum(int(row.argmax()) == label for row, label in zip(probabilities, images.labels.tolist(), strict=True)) / 31
    )


def test_adamw_takes_rate_and_decay_from_the_recipe():
    (group,) = adamw(linear(), Recipe(steps=1, learning_rate=0.5, weight_decay=0.25)).param_groups
    assert (group["lr"], group["weight_decay"], len(group["params"])) == (0.5, 0.25, 2)


def test_a_recipe_describes_itself_in_plain_values():
    described = EVERYTHING.describe()
    assert described["schedule"] == [
        EVERYTHING.schedule(round(share * 29)).__round__(4) for share in (0, 0.25, 0.5, 0.75, 1)
    ]
    assert described["augment"]["shift"] == 0.1
    assert described["learning_rate"] == 5e-3


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"look_every": -1}, "look_every must be at least 1, got -1"),
        ({"learning_rate": 0.0}, "learning_rate must be positive, got 0.0"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_named(setting, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**{"steps": 10} | setting)


def test_a_checkpoint_holds_nothing_but_data(tmp_path: Path):
    path = tmp_path / "run.pt"
    with pytest.raises(PowerCutError):
        train(network(), EVERYTHING, measure=interrupt_at_look(2, validator(toy())), checkpoint=path)
    assert torch.load(path, weights_only=True)["progress"][0] == 4  # unpickles no code
    assert [file.name for file in tmp_path.iterdir()] == ["run.pt"]
