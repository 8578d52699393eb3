"""Which device is chosen, and what is said about it."""

from __future__ import annotations

import pytest
import torch

from dlbasics import device


@pytest.fixture(autouse=True)
def nothing_said_yet(monkeypatch):
    monkeypatch.delenv("DLBASICS_DEVICE", raising=False)
    monkeypatch.delenv("DLBASICS_BOOK", raising=False)
    device._announce.cache_clear()


def test_without_a_wish_the_best_device_present_is_chosen():
    assert device.best_device().type == device.present_devices()[0]


def test_the_processor_is_always_present_and_the_last_choice():
    assert device.present_devices()[-1] == "cpu"


@pytest.mark.parametrize("present", ["cuda", "mps", "xpu"])
def test_an_accelerator_comes_before_the_processor(monkeypatch, present):
    for name, module in {"cuda": torch.cuda, "mps": torch.backends.mps, "xpu": torch.xpu}.items():
        monkeypatch.setattr(module, "is_available", lambda name=name: name == present)
    assert device.present_devices() == [present, "cpu"]
    assert device.best_device() == torch.device(present)


def test_the_environment_chooses_and_an_argument_overrules_it(monkeypatch):
    monkeypatch.setenv("DLBASICS_DEVICE", "meta")
    assert device.best_device() == torch.device("meta")
    assert device.best_device("cpu") == torch.device("cpu")
    assert device.best_device(torch.device("cpu")) == torch.device("cpu")


def test_an_empty_environment_variable_is_no_wish(monkeypatch):
    monkeypatch.setenv("DLBASICS_DEVICE", "")
    assert device.best_device().type == device.present_devices()[0]


def test_a_device_torch_does_not_know_is_refused_with_those_present():
    with pytest.raises(ValueError, match=r"unknown device 'gpu'; this machine has .*cpu"):
        device.best_device("gpu")


def test_a_device_this_machine_lacks_is_refused_with_those_present(monkeypatch):
    monkeypatch.setattr(torch.xpu, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"no 'xpu' device; it has .*cpu"):
        device.best_device("xpu")


def test_the_choice_is_said_once(capsys):
    for _ in range(3):
        device.best_device("cpu")
    assert capsys.readouterr().out == "dlbasics computes on cpu (set DLBASICS_DEVICE to choose another)\n"


def test_a_built_page_stays_free_of_the_announcement(capsys, monkeypatch):
    monkeypatch.setenv("DLBASICS_BOOK", "1")
    device.best_device("cpu")
    assert capsys.readouterr().out == ""
