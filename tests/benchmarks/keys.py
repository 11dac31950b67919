"""The keys of finished runs: what was computed once is found again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from benchmarks.runs.family import Family
from benchmarks.runs.plan import plan_cells
from benchmarks.runs.tuning import candidates


def keys_of(family: Family[Any], flags: Mapping[str, Any]) -> list[str]:
    """The keys of the cells that flags without a preset name."""
    return [cell.config.key for cell in plan_cells(family, None, flags)]


def preset_digest(family: Family[Any], preset: str) -> str:
    """A hash of all keys of a preset: its cells, then the candidates of its tuning."""
    cells = plan_cells(family, preset, {})
    keys = [cell.config.key for cell in cells]
    keys += [config.key for _, configs in candidates(cells) for config in configs]
    return hashlib.sha256(" ".join(keys).encode()).hexdigest()[:16]
