from pathlib import Path

import pytest

import programs
from dlbasics_site import chromium


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("DLBASICS_BROWSER", raising=False)
    monkeypatch.setattr(chromium, "PLACES", ())


def test_the_browser_that_the_environment_names_goes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    named = tmp_path / "my browser"
    named.touch()
    monkeypatch.setenv("DLBASICS_BROWSER", str(named))
    assert programs.find() == named


def test_a_named_browser_that_is_missing_is_not_replaced_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLBASICS_BROWSER", "/nowhere/browser")
    assert programs.find() is None


@pytest.mark.usefixtures("nothing_installed")
def test_without_a_browser_and_without_apt_the_reason_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert programs.main() == 0
    said = capsys.readouterr().out
    assert "not run" in said
    assert "DLBASICS_BROWSER" in said
    assert "only Debian's package" in said


@pytest.mark.usefixtures("nothing_installed")
def test_what_macos_and_windows_keep_off_the_path_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    chrome = tmp_path / "Google Chrome"
    chrome.touch()
    monkeypatch.setattr(chromium, "PLACES", (str(tmp_path / "absent"), str(chrome)))
    assert programs.find() == chrome
