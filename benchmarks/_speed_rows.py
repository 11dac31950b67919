"""The rows of the speed table: a new one is one more `Row` in `ROWS`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import torch

from benchmarks import _cost_works as cost_works
from benchmarks import _path_works as path_works
from benchmarks import _speed_works as works
from benchmarks._speed_timing import interleaved_medians, one_thread


@dataclass(frozen=True)
class Row:
    """One comparison, and the ratio to reach.

    Attributes:
        key: what ``--rows`` selects by.
        work: what ours does.
        peer: what it is measured against.
        prepare: makes both sides on a device.
        reach: the ratio to reach: of our time to the peer's, at most; for ``faster``, of the
            peer's time to ours, at least. `None` where none was set.
        faster: which of the two.
        percent: whether the ratio is written in per cent.
        repeats: at most so many timings of ours and of the peer, for works that take long.
    """

    key: str
    work: str
    peer: str
    prepare: Callable[[torch.device], works.Works]
    reach: float | None
    faster: bool = False
    percent: bool = False
    repeats: tuple[int, int] | None = None


@dataclass(frozen=True)
class Result:
    """The medians of a row, in milliseconds."""

    row: Row
    ours_ms: float
    peer_ms: float

    @property
    def ratio(self) -> float:
        """Of our time to the peer's; for `faster` rows, of the peer's to ours."""
        ours, peer = self.ours_ms, self.peer_ms
        return peer / max(ours, 1e-9) if self.row.faster else ours / peer

    @property
    def reached(self) -> bool | None:
        """Whether the ratio is the one to reach, or better; `None` where none was set."""
        if self.row.reach is None:
            return None
        return self.ratio >= self.row.reach if self.row.faster else self.ratio <= self.row.reach

    def record(self) -> dict[str, Any]:
        """The result as JSON."""
        row = self.row
        return {
            "key": row.key,
            "work": row.work,
            "peer": row.peer,
            "ours_ms": self.ours_ms,
            "peer_ms": self.peer_ms,
            "ratio": self.ratio,
            "reach": row.reach,
            "faster": row.faster,
            "reached": self.reached,
        }


def measure(row: Row, device: torch.device, repeats: int) -> Result:
    """Time both sides of a row in turn.

    Args:
        row: the comparison.
        device: where. On a CPU with one thread.
        repeats: timings of each side; fewer where the row says so.

    Returns:
        The medians, ours less what a row subtracts from it.
    """
    ours_repeats, peer_repeats = (min(repeats, most) for most in row.repeats or (repeats, repeats))
    with one_thread(device):
        ours, peer, without = row.prepare(device)
        sides, counts = [ours, peer], [ours_repeats, peer_repeats]
        if without is not None:
            sides, counts = [*sides, without], [*counts, ours_repeats]
        medians = interleaved_medians(sides, counts, device)
    return Result(row, max(0.0, medians[0] - sum(medians[2:])), medians[1])


def _softmax_rows() -> list[Row]:
    rows = []
    for name, reach in (("SoftSort", 2.0), ("NeuralSort", 2.5)):
        for n in (5, 10):
            work, key = f"gradient + Hessian, {name}, n={n}", f"{name.lower()}-n{n}"
            plain = partial(works.softmax_works, name, n, second_order=False)
            passes = partial(works.softmax_works, name, n, second_order=True)
            peers = "probability form, autograd gradient", f"the same, {n} more backward passes"
            bounds = (reach, 6.0) if n == 10 else (None, None)
            rows.append(Row(f"{key}-gradient", work, peers[0], plain, bounds[0]))
            rows.append(Row(f"{key}-passes", work, peers[1], passes, bounds[1], faster=True))
    return rows


def _network_rows() -> list[Row]:
    reaches = {5: 1.0, 10: 1.0, 15: 1.5}
    peer = "diffsort, gradient alone"
    return [
        Row(
            f"odd-even-n{n}",
            f"gradient + Hessian, odd-even network, n={n}",
            peer,
            partial(works.network_works, n),
            reach,
        )
        for n, reach in reaches.items()
    ]


def _step_rows() -> list[Row]:
    rows = []
    for n in (5, 10):
        work = f"what Newton adds to a step, n={n}"
        loss, cnn = partial(works.newton_works, n), partial(works.training_works, n)
        rows.append(Row(f"step-n{n}-loss", work, "the loss, forward and backward", loss, 3.0))
        peer = "a step of the paper's CNN"
        repeats = (200, 2)
        rows.append(Row(f"step-n{n}-cnn", work, peer, cnn, 0.002, percent=True, repeats=repeats))
    return rows


def _fisher_rows() -> list[Row]:
    return [
        Row(
            f"fisher-m{m}",
            f"Fisher step, m={m}",
            "Cholesky of F + λ I",
            partial(works.fisher_works, m),
            reach,
            faster=True,
            repeats=(200, repeats),
        )
        for m, reach, repeats in ((1000, 4.0, 20), (5000, 60.0, 3))
    ]


def _path_rows() -> list[Row]:
    exact = [
        Row(
            f"shortest-path-{n}",
            f"exact shortest paths, {n} grids of 12x12",
            "Dijkstra, heapq",
            partial(path_works.solver_works, n),
            reach,
            faster=True,
            repeats=(200, repeats),
        )
        for n, reach, repeats in ((70, 30.0, 20), (700, 70.0, 5))
    ]
    relaxed = [
        Row(
            f"bellman-ford-{loop}",
            f"relaxed Bellman-Ford, {loop}, 70 grids, with backward",
            "AlgoVision",
            partial(path_works.bellman_ford_works, loop, 70),
            reach,
            faster=True,
        )
        for loop, reach in (("for", 3.5), ("while", 2.5))
    ]
    return [*exact, *relaxed]


def _cost_rows() -> list[Row]:
    sorting = [
        _cost_row(cost_works.sorting_cost_works, family, curvature)
        for family in cost_works.SORTING_FAMILIES
        for curvature in ("hessian", "fisher")
    ]
    paths = [
        _cost_row(cost_works.path_cost_works, family, curvature)
        for family, (_, curvatures) in cost_works.PATH_FAMILIES.items()
        for curvature in curvatures
    ]
    return [*sorting, *paths]


def _cost_row(
    prepare: Callable[[str, str, torch.device], works.Works], family: str, curvature: str
) -> Row:
    name = {"hessian": "Hessian", "fisher": "Fisher", "gauss-newton": "Gauss-Newton"}[curvature]
    key = "-".join(re.findall(r"\w+", f"cost {family} {curvature}".lower()))
    repeats = (3, 20) if curvature == "hessian" and "relaxed" in family else None
    plain = f"the plain loss, {family}"
    return Row(
        key, f"NL ({name})", plain, partial(prepare, family, curvature), None, repeats=repeats
    )


ROWS: Final = [
    *_softmax_rows(),
    *_network_rows(),
    *_step_rows(),
    *_fisher_rows(),
    *_path_rows(),
    *_cost_rows(),
]
