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
        kind = "shared" if damping.shared else "relative"
        return {"damping": damping.c, "damping_kind": kind}
    return {"damping": damping, "damping_kind": "absolute"}


def read_damping(group: Mapping[str, Any], default: Damping) -> Damping:
    """The damping of a param group; ``default`` where it has none.

    Raises:
        TypeError: if its entry is not a number.
        ValueError: if its entry is negative or not finite.
    """
    if "damping" not in group:
        return default
    kind = group.get("damping_kind", "absolute")
    if kind in {"relative", "shared"}:
        return RelativeDamping(group["damping"], shared=kind == "shared")
    return check_damping(group["damping"], default)
