"""From ``--shard`` to the part of the work that one process does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from benchmarks.runs.errors import InputError

_T = TypeVar("_T")


@dataclass(frozen=True)
class Shard:
    """The ``index``-th of ``count`` parts of the work, counted from 1."""

    index: int
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def take(self, work: Sequence[_T]) -> list[_T]:
        """Every ``count``-th piece of the work; the shards together take each piece once."""
        return list(work[self.index - 1 :: self.count])


def parse_shard(text: str | None) -> Shard | None:
    """The shard that ``text`` names, such as ``1/3``; all of the work where it is ``None``.

    Raises:
        InputError: it is not `i/k` with `1 ≤ i ≤ k`.
    """
    if text is None:
        return None
    index, _, count = text.partition("/")
    if not index.isdecimal() or not count.isdecimal() or not 1 <= int(index) <= int(count):
        raise InputError(f"--shard must be i/k with 1 <= i <= k, got {text}")
    return Shard(int(index), int(count))
