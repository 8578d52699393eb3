"""Time rivals against each other in one run, turn about: what else the machine does meanwhile meets all of them."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

OURS = "dlbasics"
TURN = 0.1  # seconds a turn lasts at least: far above any clock's step, short enough to share the machine's moods


@dataclass(frozen=True)
class Row:
    """One line of the table: ours beside one rival's; a ratio above 1 says that ours is faster, or needs less.

    ``spread`` holds the quartiles of the ratio over the rounds; None where one measurement is exact.
    """

    measured: str
    ours: str
    rival: str
    theirs: str
    ratio: float
    spread: tuple[float, float] | None = None


@dataclass(frozen=True)
class Stopwatch:
    """How to measure: how many rounds, and by which clock (seconds, rising)."""

    rounds: int
    clock: Callable[[], float]

    def interleave(self, rivals: Mapping[str, Callable[[], object]]) -> dict[str, list[float]]:
        """Seconds a call, one number a round for each rival; the rounds go A, B, C, A, B, C, ..."""
        calls = {name: max(1, round(TURN / self._warm_seconds(call))) for name, call in rivals.items()}
        seconds: dict[str, list[float]] = {name: [] for name in rivals}
        for _ in range(self.rounds):
            for name, call in rivals.items():
                seconds[name].append(self._seconds(call, calls[name]))
        return seconds

    def _warm_seconds(self, call: Callable[[], object]) -> float:
        first = self._seconds(call, 1)  # allocates, compiles, fills caches
        return max(first if first > TURN else self._seconds(call, 1), 1e-6)

    def _seconds(self, call: Callable[[], object], times: int) -> float:
        started = self.clock()
        for _ in range(times):
            call()
        return (self.clock() - started) / times


def compare(measured: str, seconds: Mapping[str, Sequence[float]], shown: Callable[[float], str]) -> list[Row]:
    """Rows of ours against each rival: medians, and the ratio's median and quartiles over the rounds."""
    ours = seconds[OURS]
    rows = []
    for rival, theirs in seconds.items():
        if rival == OURS:
            continue
        ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
        low, ratio, high = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
        medians = shown(statistics.median(ours)), shown(statistics.median(theirs))
        rows.append(Row(measured, medians[0], rival, medians[1], ratio, (low, high)))
    return rows


def milliseconds(seconds: float) -> str:
    """As a table shows it."""
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds * 1e3:,.0f} ms"


def per_second(amount: int, unit: str) -> Callable[[float], str]:
    """Shows the seconds that ``amount`` things take as things a second, in three digits."""
    return lambda seconds: f"{float(f'{amount / seconds:.3g}'):,.0f} {unit}/s"


def times(ratio: float) -> str:
    """A ratio with the digits that mean something."""
    return f"{ratio:.2f}" if ratio < 100 else f"{ratio:,.0f}"


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown."""
    lines = ["| measured | dlbasics | other | | ratio (quartiles) |", "| --- | ---: | ---: | --- | ---: |"]
    for row in rows:
        spread = f" ({'–'.join(map(times, row.spread))})" if row.spread else ""
        lines.append(f"| {row.measured} | {row.ours} | {row.theirs} | {row.rival} | **{times(row.ratio)}**{spread} |")
    return "\n".join(lines)


def run(*benchmarks: Callable[[Stopwatch], list[Row]]) -> None:
    """Read the command line, run the benchmarks, print one table and what it was measured on."""
    parser = argparse.ArgumentParser(description="Ratios above 1: dlbasics is faster, or needs less memory.")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each rival (default: 7)")
    parser.add_argument(
        "--busy", action="store_true", help="on a machine with other work: one thread, processor time, no wall time"
    )
    options = parser.parse_args()
    if options.busy:
        torch.set_num_threads(1)
    stopwatch = Stopwatch(max(1, options.rounds), time.process_time if options.busy else time.perf_counter)
    rows = [row for benchmark in benchmarks for row in benchmark(stopwatch)]
    print(table(rows))
    processor = f"{platform.machine()}, {os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}"
    print(
        f"\ntorch {torch.__version__} with {torch.get_num_threads()} threads on {platform.system()} ({processor}); "
        f"medians of {stopwatch.rounds} rounds, {'processor' if options.busy else 'wall'} time."
    )
