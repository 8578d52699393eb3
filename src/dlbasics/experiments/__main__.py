"""``python -m dlbasics.experiments [run|status] [NAME ...]``: run what is missing or out of date, or say what is."""

from __future__ import annotations

import argparse
from pathlib import Path

from dlbasics.experiments import storage
from dlbasics.experiments.catalogue import EXPERIMENTS, find
from dlbasics.sources import cache_folder


def main() -> int:
    """Parse the command line and do it; the exit status is 1 if ``status`` finds anything missing or out of date."""
    parser = argparse.ArgumentParser(prog="python -m dlbasics.experiments", description=__doc__)
    parser.add_argument("command", choices=("run", "status"), nargs="?", default="run")
    parser.add_argument("names", nargs="*", metavar="NAME", help="experiments; all of them if none is named")
    parser.add_argument("--again", action="store_true", help="run even what is up to date")
    parser.add_argument("--scratch", type=Path, default=None, help="folder for finished parts (default: in the cache)")
    arguments = parser.parse_args()
    wanted = [find(name) for name in arguments.names] or list(EXPERIMENTS)
    scratch = arguments.scratch or cache_folder().parent / "experiments"
    stale = 0
    for experiment in wanted:
        try:
            result = storage.stored(experiment)
            print(f"{experiment.name}: up to date, made {result.made['on']} in {result.made['seconds']:.0f} s")
            if not arguments.again or arguments.command == "status":
                continue
        except storage.StaleResultError as reason:
            print(reason if arguments.command == "status" else f"{experiment.name}: running")
            stale += 1
        if arguments.command == "run":
            result = storage.run(experiment, scratch=scratch)
            print(f"{experiment.name}: done in {result.made['seconds']:.0f} s")
    return int(arguments.command == "status" and stale > 0)


if __name__ == "__main__":
    raise SystemExit(main())
