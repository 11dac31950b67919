"""From ``--scale`` to the share of the steps and of the seeds that is run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.runs.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What is run of a preset; both shares are above 0 and at most 1.

    Args:
        steps: the share of every training's length.
        seeds: the share of the seeds, from the first.
    """

    steps: float = 1.0
    seeds: float = 1.0

    def first(self, seeds: Sequence[int]) -> list[int]:
        """The first of these seeds, at least one."""
        return list(seeds[: math.ceil(self.seeds * len(seeds))])


def parse_scale(text: str | None) -> Scale:
    """The shares that ``text`` names: ``0.1`` (of the steps), or ``steps=0.1,seeds=0.3``.

    Raises:
        InputError: it names none, one twice, or one that is not above 0 and at most 1.
    """
    if text is None:
        return Scale()
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, equals, number = part.strip().partition("=")
        name, number = (name, number) if equals else ("steps", name)
        share = _share(number)
        if name not in {"steps", "seeds"} or name in shares or share is None:
            raise InputError(
                f"--scale must be like 0.1 or steps=0.1,seeds=0.3, above 0 and at most 1, "
                f"got {text}"
            )
        shares[name] = share
    return Scale(**shares)


def _share(text: str) -> float | None:
    try:
        share = float(text)
    except ValueError:
        return None
    return share if 0.0 < share <= 1.0 else None
