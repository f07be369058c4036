"""What the benchmarks share: interleaved rounds, robust figures, ratios against a named baseline.

The machine may be shared and noisy, so nothing is compared across runs: contenders take turns, and what counts is a
ratio within one run. Every script prints its figures and, where the project has a target, whether it is met.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Samples", "geometric_mean", "interleave", "table", "verdict"]


@dataclass
class Samples:
    """Seconds of each run of one contender, by the clock and of processor time in the processes it started."""

    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def cpu(self) -> float:
        """Median of processor time, which neighbours disturb least."""
        return statistics.median(self.cpu_seconds)

    @property
    def quartile(self) -> float:
        """The lower quartile: a neighbour's load lengthens runs and never shortens one."""
        return statistics.quantiles(self.seconds, n=4)[0]

    @property
    def best(self) -> float:
        return min(self.seconds)


def interleave(contenders: Mapping[str, Callable[[], object]], rounds: int, *, warm_up: int = 0) -> dict[str, Samples]:
    """Run every contender once a round, in turning order, so that a noisy moment hits all of them.

    Args:
        contenders: name -> what to time.
        rounds: how often each is timed.
        warm_up: rounds that are not counted.
    """
    samples = {name: Samples() for name in contenders}
    names = list(contenders)
    for turn in range(-warm_up, rounds):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            used, started = _children_cpu(), time.perf_counter()
            contenders[name]()
            elapsed = time.perf_counter() - started
            if turn >= 0:
                samples[name].seconds.append(elapsed)
                samples[name].cpu_seconds.append(_children_cpu() - used)
    return samples


def _children_cpu() -> float:
    """Seconds of processor time that processes started from here, and ended, have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def geometric_mean(values: Sequence[float]) -> float:
    """The mean that ratios have."""
    return statistics.geometric_mean(values)


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns aligned for a terminal: the first to the left, figures to the right."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = []
    for first, *rest in cells:
        figures = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        lines.append("  ".join((first.ljust(widths[0]), *figures)).rstrip())
    return "\n".join(lines)


def verdict(name: str, value: float, target: float, unit: str = "") -> str:
    """`name: value (target <= target): met | missed`."""
    return f"{name}: {value:.2f}{unit} (target ≤ {target:g}{unit}): {'met' if value <= target else 'MISSED'}"
