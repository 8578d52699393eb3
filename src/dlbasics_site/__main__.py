"""The commands: `python -m dlbasics_site build | pdf | serve | assets | notebooks`."""

import argparse
import os
import sys
from pathlib import Path

from dlbasics_site.execution import usable_cores

_DEFAULT_PORT = 8000
_MOST_JOBS = 8  # a kernel with torch needs most of a gigabyte


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: without the program's name; None takes them from the command line.

    Returns:
        The exit status: 0, or 1 after saying on stderr what is wrong.
    """
    options = _parser().parse_args(arguments)
    root = options.root.resolve()
    # The commands import what they need when they run: `serve` need not wait for Sphinx.
    from dlbasics_site.assets import AssetError
    from dlbasics_site.pages import BookError, read_book

    try:
        if options.command == "build":
            from dlbasics_site.build import build

            build(root, jobs=options.jobs)
        elif options.command == "pdf":
            from dlbasics_site.pdf import print_book

            print_book(read_book(root), options.pages)
        elif options.command == "serve":
            _serve(root, options.port)
        elif options.command == "assets":
            from dlbasics_site.assets import fetch_site_assets, fetch_test_assets

            print(f"Web assets: {fetch_site_assets(root)}\nFor tests:  {fetch_test_assets(root)}")
        else:
            from dlbasics_site.notebooks import write_notebooks

            pages = write_notebooks(read_book(root))
            print(f"Wrote {len(pages)} notebooks under {root / '_build' / 'html'}")
    except (AssetError, BookError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dlbasics_site", description="Build the book and show it.")
    parser.add_argument("--root", type=Path, default=Path(), help="the project's root (default: this folder)")
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="execute the changed pages, render all strictly, check the result")
    build.add_argument(
        "--jobs", type=_positive, default=min(usable_cores(), _MOST_JOBS), help="pages executed at a time"
    )
    pdf = commands.add_parser("pdf", help="print the built book with Chromium or Chrome, and join it into one PDF")
    pdf.add_argument("pages", nargs="*", help="only these pages, for instance book/layers/signals (default: all)")
    serve = commands.add_parser("serve", help="show the built book on this machine")
    serve.add_argument("--port", type=int, default=_DEFAULT_PORT)
    commands.add_parser("assets", help="fetch the site's scripts and fonts, and nothing else")
    commands.add_parser("notebooks", help="write the pages' unexecuted notebooks, and nothing else")
    return parser


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {number}")
    return number


def _serve(root: Path, port: int) -> None:
    from dlbasics_site.pages import BookError
    from dlbasics_site.serve import serve

    folder = root / "_build" / "html"
    if not (folder / "index.html").exists():
        raise BookError(f"There is no book in {folder} yet: build it first (make book).")
    serve(folder, port)


if __name__ == "__main__":
    try:
        status = main()
    except KeyboardInterrupt:
        print("\nInterrupted", file=sys.stderr)
        sys.stderr.flush()
        os._exit(130)  # at once: kernels in other threads end with this process, but Python would wait for their pages
    sys.exit(status)
