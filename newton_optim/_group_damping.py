"""The damping as it is kept in the param groups of an optimiser: plain numbers and strings.

A checkpoint of them loads with ``weights_only=True``, and a bare optimiser ignores them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from newton_optim.curvature._damping import Damping, RelativeDamping, check_damping


def damping_entries(damping: Damping) -> dict[str, float | str]:
    """The entries of a param group that stand for ``damping``."""
    if isinstance(damping, RelativeDamping):
        return {"damping": damping.c, "damping_kind": "relative"}
    return {"damping": damping, "damping_kind": "absolute"}


def read_damping(group: Mapping[str, Any], default: Damping) -> Damping:
    """The damping of a param group; ``default`` where it has none.

    Raises:
        TypeError: if its entry is not a number.
        ValueError: if its entry is negative or not finite.
    """
    if "damping" not in group:
        return default
    if group.get("damping_kind", "absolute") == "relative":
        return RelativeDamping(group["damping"])
    return check_damping(group["damping"], default)
