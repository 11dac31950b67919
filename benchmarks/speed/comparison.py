"""One comparison of the speed table: what is timed, and the ratio to reach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.speed.sides import Sides
from benchmarks.speed.timing import interleaved_medians, one_thread


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Our work against a peer's, and the ratio to reach.

    Args:
        key: what ``--rows`` selects by.
        work: what ours does.
        peer: what it is measured against.
        prepare: makes both sides on a device.
        reach: the ratio to reach: of our time to the peer's, at most; for ``faster``, of the
            peer's time to ours, at least. ``None`` where none was set.
        faster: which of the two.
        percent: whether the ratio is written in per cent.
        repeats: the most timings of ours and of the peer, for works that take long.
    """

    key: str
    work: str
    peer: str
    prepare: Callable[[torch.device], Sides]
    reach: float | None = None
    faster: bool = False
    percent: bool = False
    repeats: tuple[int, int] | None = None


@dataclass(frozen=True)
class ComparisonResult:
    """The medians of a comparison, in milliseconds."""

    comparison: Comparison
    ours_ms: float
    peer_ms: float

    @property
    def ratio(self) -> float:
        """Of our time to the peer's; for ``faster`` comparisons, of the peer's to ours."""
        ours, peer = self.ours_ms, self.peer_ms
        return peer / max(ours, 1e-9) if self.comparison.faster else ours / peer

    @property
    def reached(self) -> bool | None:
        """Whether the ratio is the one to reach, or better; ``None`` where none was set."""
        reach = self.comparison.reach
        if reach is None:
            return None
        return self.ratio >= reach if self.comparison.faster else self.ratio <= reach

    def record(self) -> dict[str, Any]:
        """The result as JSON."""
        return {
            "key": self.comparison.key,
            "work": self.comparison.work,
            "peer": self.comparison.peer,
            "ours_ms": self.ours_ms,
            "peer_ms": self.peer_ms,
            "ratio": self.ratio,
            "reach": self.comparison.reach,
            "faster": self.comparison.faster,
            "reached": self.reached,
        }


def measure(comparison: Comparison, device: torch.device, repeats: int) -> ComparisonResult:
    """Time both sides of a comparison in turn.

    Args:
        comparison: what is timed.
        device: where. On a CPU with one thread.
        repeats: timings of each side; fewer where the comparison says so.

    Returns:
        The medians, ours minus that of what the comparison subtracts.
    """
    most_ours, most_peer = comparison.repeats or (repeats, repeats)
    ours_repeats, peer_repeats = min(repeats, most_ours), min(repeats, most_peer)
    with one_thread(device):
        ours, peer, without = comparison.prepare(device)
        works, counts = [ours, peer], [ours_repeats, peer_repeats]
        if without is not None:
            works, counts = [*works, without], [*counts, ours_repeats]
        medians = interleaved_medians(works, counts, device)
    return ComparisonResult(comparison, max(0.0, medians[0] - sum(medians[2:])), medians[1])
