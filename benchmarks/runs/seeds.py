"""From ``--seeds`` to the seeds that are run."""

from __future__ import annotations

from typing import Final

from benchmarks.runs.config import ConfigT
from benchmarks.runs.errors import InputError
from benchmarks.runs.family import Family
from benchmarks.runs.scale import Scale

_SEEDS_END: Final = 10_000
_ALL: Final = Scale()


def plan_seeds(
    family: Family[ConfigT],
    preset: str | None,
    text: str | None,
    *,
    tune: bool,
    scale: Scale = _ALL,
) -> list[int]:
    """The seeds that ``text`` names, or a share of those of the preset or of its tuning."""
    if text is not None:
        return parse_seeds(text)
    found = family.presets[preset or family.main_preset]
    return scale.first(parse_seeds(found.tuning_seeds if tune else found.seeds))


def parse_seeds(text: str) -> list[int]:
    """The seeds that ``text`` names, such as ``0-7`` or ``0,2,5``.

    Raises:
        InputError: it names none, or one twice.
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise InputError(f"--seeds must be like 0-7 or 0,2,5, got {text}")
        start, stop = int(first), int(last if dash else first) + 1
        if stop > _SEEDS_END:
            raise InputError(f"--seeds must be below {_SEEDS_END:,}, got {text}")
        seeds += range(start, stop)
    if not seeds or len(set(seeds)) != len(seeds):
        raise InputError(f"--seeds must name at least one seed, and each once, got {text}")
    return seeds
