"""Stored results: refused when their declaration moves on, resumed when interrupted, and the same in miniature."""

from __future__ import annotations

import json
import math
import re
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from dlbasics import data, experiments, finetuning
from dlbasics.experiments import Experiment, Result, StaleResultError, Workspace, __main__, storage
from dlbasics.experiments.catalogue import EXPERIMENTS, find
from dlbasics.experiments.controls import gained
from dlbasics.experiments.encoders import AUTOENCODERS
from dlbasics.experiments.label_efficiency import difference, labels_saved, mean_and_spread
from dlbasics.intervals import Interval, paired_difference
from dlbasics.models import ConvBackbone
from dlbasics.training import Recipe

TRAIN, VALIDATION, STEPS = 4000, 1000, 3  # images and updates, in miniature
SLOW = {"maps", "training_maps"}  # imports umap, which compiles for a minute where its cache is cold


def square_all(workspace: Workspace) -> dict[str, Any]:
    return {"squares": [workspace.part(f"square-{n}", lambda n=n: n * n) for n in workspace.settings["numbers"]]}


SQUARES = Experiment(
    name="squares",
    version=1,
    settings={"numbers": [1, 2, 3], "range": (0.5, 1.0), "nested": {"pair": (1, 2)}},
    miniature={"numbers": [1]},
    run=square_all,
)
SUMS = Experiment(
    name="sums", version=1, settings={}, miniature={}, run=lambda w: {"sum": 6}, needs=(SQUARES,)
)  # fmt: skip


@pytest.fixture
def run_in(tmp_path):
    """Runs an experiment in a folder of its own."""

    def run(experiment: Experiment) -> Result:
        return storage.run(experiment, scratch=tmp_path / "scratch", results=tmp_path / "results", progress=False)

    return run


@pytest.mark.parametrize(
    "moved",
    [
        replace(SQUARES, settings=SQUARES.settings | {"numbers": [1, 2]}),
        replace(SQUARES, settings=SQUARES.settings | {"more": 1}),
        replace(SQUARES, version=2),
        replace(SQUARES, name="cubes"),
        replace(SQUARES, needs=(SUMS,)),
    ],
)
def test_a_key_changes_with_settings_version_and_needs(moved):
    assert moved.key != SQUARES.key


def test_a_key_changes_with_nothing_else():
    assert replace(SQUARES, run=lambda workspace: {}, miniature={}).key == SQUARES.key
    backwards = dict(reversed(SQUARES.settings.items()))
    assert replace(SQUARES, settings=backwards).key == SQUARES.key


def test_a_key_changes_when_something_it_needs_does():
    assert replace(SUMS, needs=(replace(SQUARES, version=2),)).key != SUMS.key


def test_a_miniature_has_small_settings_and_small_needs():
    assert SUMS.small().needs[0].settings == SQUARES.settings | {"numbers": [1]}
    assert SQUARES.small().key != SQUARES.key
    with pytest.raises(KeyError, match=r"squares: the miniature sets \['number'\], which are not settings"):
        replace(SQUARES, miniature={"number": 1}).small()


def test_a_result_comes_back_as_it_was_stored_and_says_how_it_came_to_be(tmp_path, run_in):
    run_in(SQUARES)
    result = storage.stored(SQUARES, results=tmp_path / "results")
    assert result["squares"] == [1, 4, 9]
    assert result.settings["numbers"] == [1, 2, 3]
    assert {"on", "seconds", "device", "processor", "python", "versions"} <= result.made.keys()
    assert result.made["versions"]["torch"] == torch.__version__
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == ["squares.json"]
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_missing_result_names_the_command_that_makes_it(tmp_path):
    with pytest.raises(StaleResultError, match=r"squares has no stored result; run: python -m .* run squares"):
        storage.stored(SQUARES, results=tmp_path)


def test_a_stale_result_names_the_settings_that_moved_and_no_others(tmp_path, run_in):
    run_in(SQUARES)
    moved = replace(SQUARES, settings=SQUARES.settings | {"numbers": [7], "new": 1})
    with pytest.raises(StaleResultError, match=r"settings \['new', 'numbers'\] differ\); run:"):
        storage.stored(moved, results=tmp_path / "results")


def test_a_result_of_another_version_is_refused(tmp_path, run_in):
    run_in(SQUARES)
    with pytest.raises(StaleResultError, match="its version, or what it needs, has changed"):
        storage.stored(replace(SQUARES, version=2), results=tmp_path / "results")


def test_nothing_runs_on_a_result_that_is_missing_or_stale(tmp_path, run_in):
    with pytest.raises(StaleResultError, match="squares has no stored result"):
        run_in(SUMS)
    run_in(replace(SQUARES, version=0))
    with pytest.raises(StaleResultError, match="squares is out of date"):
        run_in(SUMS)
    run_in(SQUARES)
    assert run_in(SUMS)["sum"] == 6


def test_an_interrupted_experiment_goes_on_without_computing_its_parts_again(tmp_path, run_in):
    computed: list[int] = []

    def fragile(workspace: Workspace) -> dict[str, Any]:
        def square(n: int) -> int:
            computed.append(n)
            if computed == [1, 2, 3]:
                raise KeyboardInterrupt
            return n * n

        return {"squares": [workspace.part(f"square-{n}", lambda n=n: square(n)) for n in (1, 2, 3, 4)]}

    experiment = replace(SQUARES, run=fragile)
    with pytest.raises(KeyboardInterrupt):
        run_in(experiment)
    assert not (tmp_path / "results" / "squares.json").exists()
    assert run_in(experiment)["squares"] == [1, 4, 9, 16]
    assert computed == [1, 2, 3, 3, 4]


def test_the_seconds_of_a_result_count_the_parts_of_an_interrupted_run(run_in, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

    def interrupted_after(most: int) -> Experiment:
        def run(workspace: Workspace) -> dict[str, Any]:
            def square(n: int) -> int:
                if n > most:
                    raise KeyboardInterrupt
                clock[0] += 10
                return n * n

            return {"squares": [workspace.part(f"square-{n}", lambda n=n: square(n)) for n in (1, 2, 3)]}

        return replace(SQUARES, run=run)

    for most in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            run_in(interrupted_after(most))
    assert run_in(interrupted_after(3)).made["seconds"] == 30


def test_parts_of_other_settings_are_not_taken_up(run_in, tmp_path):
    workspaces = [
        Workspace(experiment, scratch=tmp_path, results=tmp_path, progress=False)
        for experiment in (SQUARES, replace(SQUARES, version=2))
    ]
    assert [workspace.part("a", lambda i=i: i) for i, workspace in enumerate(workspaces)] == [0, 1]


def test_tensors_are_kept_in_half_precision_and_come_back_in_single(tmp_path):
    workspace = Workspace(SQUARES, scratch=tmp_path, results=tmp_path / "results", progress=False)
    kept = {"weight": torch.randn(4, 3).T, "count": torch.tensor(7)}
    workspace.keep("some", kept)
    found = storage.load_tensors("some", results=tmp_path / "results")
    assert found["weight"].dtype == torch.float32
    assert torch.equal(found["weight"], kept["weight"].half().float())
    assert torch.equal(found["count"], kept["count"])


def test_stored_numbers_are_cut_to_six_digits_and_stay_json():
    value = {"a": 1 / 3, "b": [1e-9 / 3, 12345678], "c": {"d": (2.0, "x")}, "e": math.pi * 1e6}
    text = storage.compact(value)
    assert json.loads(text) == {"a": 0.333333, "b": [3.33333e-10, 12345678], "c": {"d": [2.0, "x"]}, "e": 3.14159e6}
    long = {f"key {i}": {"values": [i / 7] * 9, "more": {"inner": [i] * 20}} for i in range(5)}
    assert json.loads(storage.compact(long)) == json.loads(storage.compact(long).replace("\n", " "))
    assert len(storage.compact(long).splitlines()) > 5


def test_an_encoder_that_is_not_stored_is_refused_with_those_that_are(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"contrastive-0\.safetensors; stored: none"):
        experiments.load_encoder("contrastive", results=tmp_path)
    workspace = Workspace(SQUARES, scratch=tmp_path, results=tmp_path / "results", progress=False)
    workspace.keep("contrastive-0", ConvBackbone(width=2).state_dict())
    with pytest.raises(FileNotFoundError, match=r"contrastive-9\.safetensors; stored: contrastive-0"):
        experiments.load_encoder("contrastive", seed=9, results=tmp_path / "results")


@pytest.mark.parametrize(("width", "channels"), [(2, 1), (3, 3)])
def test_an_encoder_comes_back_with_its_size_and_in_eval_mode(tmp_path, width, channels):
    backbone = ConvBackbone(width=width, channels=channels)
    backbone(torch.rand(8, channels, 28, 28))
    Workspace(SQUARES, scratch=tmp_path, results=tmp_path, progress=False).keep("mine-3", backbone.state_dict())
    loaded = experiments.load_encoder("mine", seed=3, results=tmp_path)
    pixels = torch.rand(4, channels, 28, 28)
    assert not loaded.training
    torch.testing.assert_close(loaded(pixels), backbone.eval()(pixels), atol=0.02, rtol=0.02)


def test_an_unknown_experiment_is_refused_with_those_there_are():
    with pytest.raises(KeyError, match="no experiment 'nonsense'; there are contrastive, autoencoder"):
        experiments.load("nonsense")


def test_experiments_have_names_of_their_own_and_come_after_what_they_need():
    names = [experiment.name for experiment in EXPERIMENTS]
    assert len(set(names)) == len(names)
    for experiment in EXPERIMENTS:
        assert find(experiment.name) is experiment
        assert all(names.index(needed.name) < names.index(experiment.name) for needed in experiment.needs)


def test_the_status_says_what_is_stored_and_fails_if_anything_is_missing(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["experiments", "status"])
    status = __main__.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(EXPERIMENTS)
    assert status == int(not all(": up to date, made " in line for line in lines))


# Every experiment of the course, in miniature and as stored


@pytest.fixture(scope="session")
def miniatures(course: data.Dataset, tmp_path_factory: pytest.TempPathFactory):
    """Runs experiments in miniature, each once, what it needs first; all see some images of the data set only.

    Recipes whose length is no setting of an experiment are cut short here: what they are is tested with fine-tuning.
    """
    folder = tmp_path_factory.mktemp("miniatures")
    results: dict[str, Result] = {}
    few = replace(course, train=course.train[:TRAIN], validation=course.validation[:VALIDATION])

    def short(recipe: Callable[..., Recipe]) -> Callable[..., Recipe]:
        return lambda *given, **settings: replace(recipe(*given, **settings), steps=STEPS, look_every=STEPS)

    recipes = {name: short(getattr(finetuning, name)) for name in ("fine_tuning_recipe", "scratch_recipe")}

    def miniature(experiment: Experiment) -> Result:
        if experiment.name not in results:
            for needed in experiment.needs:
                miniature(needed)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(data, "load", lambda **_: few)
                for name, recipe in recipes.items():
                    patch.setattr(finetuning, name, recipe)
                patch.setenv("DLBASICS_BOOK", "1")
                patch.setenv("DLBASICS_DEVICE", "cpu")
                results[experiment.name] = storage.run(
                    experiment.small(), scratch=folder / "scratch", results=folder, progress=False
                )
        return results[experiment.name]

    miniature.folder = folder
    return miniature


def form(value: Any) -> Any:
    """The shape of a result: what its settings multiply (seeds, budgets, draws, steps) stands there once."""
    if isinstance(value, dict):
        return {re.sub(r"\d+(\.\d+)?", "#", name): form(inner) for name, inner in value.items()}
    if isinstance(value, list):
        forms = [form(inner) for inner in value]
        assert all(each == forms[0] for each in forms)
        return forms[:1]
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return "number"  # None where a run went beyond all numbers
    return type(value).__name__


def numbers_of(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for inner in value.values() for number in numbers_of(inner)]
    if isinstance(value, list):
        return [number for inner in value for number in numbers_of(inner)]
    return [value] if isinstance(value, int | float) else []


importing_umap = pytest.mark.filterwarnings("ignore:Tensorflow not installed:ImportWarning")  # nor is it wanted
everyone = pytest.mark.parametrize(
    "experiment",
    [
        pytest.param(e, id=e.name, marks=[pytest.mark.full, importing_umap] if e.name in SLOW else [])
        for e in EXPERIMENTS
    ],
)


@everyone
def test_an_experiment_runs_in_miniature(miniatures, experiment):
    result = miniatures(experiment)
    assert result.key == experiment.small().key
    numbers = numbers_of(result.values)
    assert numbers
    assert all(math.isfinite(number) for number in numbers)
    assert storage.stored(experiment.small(), results=miniatures.folder).values == json.loads(
        storage.compact(result.values)
    )


@everyone
def test_a_stored_result_matches_its_declaration_and_looks_like_its_miniature(miniatures, experiment):
    stored = experiments.load(experiment.name)
    assert form(stored.values) == form(json.loads(storage.compact(miniatures(experiment).values)))
    assert stored.made["seconds"] < 7200  # wall time, on machines that were shared


@pytest.mark.parametrize("name", [e.name for e in EXPERIMENTS])
def test_a_stored_result_is_there_and_current(name):
    result = experiments.load(name)
    assert result.key == find(name).key
    assert result.settings.get("data") in ("fashion-mnist", "python-language-reference", None)


@pytest.mark.parametrize("method", ["contrastive", "autoencoder"])
def test_every_encoder_of_a_stored_result_is_stored_with_it(method):
    settings = experiments.load(method).settings
    for seed in settings["seeds"]:
        backbone = experiments.load_encoder(method, seed=seed)
        assert backbone.dimension == 16 * settings["width"]
        assert all(value.isfinite().all() for value in backbone.state_dict().values())


def test_stored_results_stay_small_enough_for_the_repository():
    sizes = {path.name: path.stat().st_size for path in experiments.RESULTS.iterdir()}
    assert sum(sizes.values()) < 10e6
    assert all(size < 0.6e6 for name, size in sizes.items() if re.match(r"(contrastive|autoencoder)-\d", name))


@pytest.mark.full
def test_one_encoder_trained_in_full_again_falls_within_the_stored_spread(tmp_path):
    stored = experiments.load("autoencoder")
    again = replace(AUTOENCODERS, settings=AUTOENCODERS.settings | {"seeds": [1]})
    found = storage.run(again, scratch=tmp_path / "scratch", results=tmp_path, progress=True)["by_seed"]["1"]

    def assert_like_the_others(name: str, measure) -> None:
        values = [measure(run) for run in stored["by_seed"].values()]
        room = 4 * np.std(values, ddof=1) + 0.01 * abs(np.mean(values))
        assert abs(measure(found) - np.mean(values)) <= room, name

    assert_like_the_others("final loss", lambda run: run["history"]["train_loss"][-1])
    for name in ("spread", "effective_rank", "alignment", "uniformity"):
        assert_like_the_others(name, lambda run, name=name: run["health"][name])


# What is read off the headline table

TABLE = Result(
    name="label_efficiency",
    key="",
    settings={"budgets": [10, 100, 1000]},
    made={},
    values={
        "accuracy": {
            "pretrained": {"10": [[0.5, 0.6], [0.6, 0.7]], "100": [[0.7, 0.8], [0.8, 0.7]], "1000": [[0.9, 0.9]] * 2},
            "control": {"10": [[0.4, 0.5]], "100": [[0.6, 0.6]], "1000": [[0.75, 0.85]]},
        }
    },
)


def test_a_methods_mean_and_spread_are_over_all_encoders_and_draws():
    means, spreads = mean_and_spread(TABLE, "pretrained")
    assert means == pytest.approx([0.6, 0.75, 0.9])
    assert spreads == pytest.approx([np.std([0.5, 0.6, 0.6, 0.7], ddof=1), np.std([0.7, 0.8] * 2, ddof=1), 0])


def test_a_control_without_encoders_meets_every_encoder_in_the_same_draw():
    expected = paired_difference([[0.5, 0.6], [0.6, 0.7]], [[0.4, 0.5], [0.4, 0.5]])
    assert difference(TABLE, "pretrained", "control", 10) == expected


def saved(method: str, budget: int, *, controls: tuple[str, ...] = ("control",)) -> float:
    return labels_saved(TABLE, method, controls, budget, resamples=1).estimate


def test_labels_saved_are_read_off_the_controls_curve_between_its_budgets():
    assert saved("pretrained", 10) == pytest.approx(10)  # 0.6, which the control has at 100
    expected = 10 ** (2 + 0.15 / 0.2) / 100  # 0.75 lies three quarters of the way from 100 to 1000
    assert saved("pretrained", 100) == pytest.approx(expected)
    assert saved("pretrained", 1000) == math.inf
    assert saved("control", 100) == pytest.approx(1)


def test_labels_are_saved_against_the_best_control_at_each_budget():
    better = {"10": [[0.45, 0.45]], "100": [[0.7, 0.7]], "1000": [[0.5, 0.5]]}
    both = replace(TABLE, values={"accuracy": TABLE["accuracy"] | {"better": better}})
    found = labels_saved(both, "pretrained", ("control", "better"), 10, resamples=1).estimate
    assert found == pytest.approx(10 ** (1 + 0.15 / 0.25) / 10)  # from 0.45 at 10 to 0.7 at 100
    found = labels_saved(both, "pretrained", ("control", "better"), 100, resamples=1).estimate
    assert found == pytest.approx(10 ** (2 + 0.05 / 0.1) / 100)  # from 0.7 at 100 to the other's 0.8 at 1000


def test_the_interval_of_labels_saved_holds_its_estimate_and_may_be_open():
    found = labels_saved(TABLE, "pretrained", ("control",), 10)
    assert found.low < found.estimate < found.high
    assert labels_saved(TABLE, "control", ("control",), 10) == Interval(*[pytest.approx(1)] * 3)  # the draws are shared
    assert labels_saved(TABLE, "pretrained", ("control",), 1000).high == math.inf


def test_what_a_control_gains_by_choice_is_over_the_choice_that_was_used():
    result = replace(TABLE, values={"scratch": {"10": {"light": [0.4, 0.6], "crop": [0.5, 0.7], "nothing": [0.1]}}})
    assert gained(result, "scratch", 10, "light") == ("crop", pytest.approx(0.1))
    assert gained(result, "scratch", 10, "crop") == ("crop", 0)
