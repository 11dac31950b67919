"""The damping as it is kept in the param groups of an optimiser: plain numbers and strings.

A checkpoint of them loads with ``weights_only=True``, and a bare optimiser ignores them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from newton_optim.curvature._damping import Damping, RelativeDamping, check_damping


def damping_entries(damping: Damping) -> dict[str, float | str]:
    """The entries of a param group that stand for ``damping``; no bound is an infinite one."""
    if not isinstance(damping, RelativeDamping):
        return {"damping": damping, "damping_kind": "absolute", "damping_max_step": math.inf}
    return {
        "damping": damping.c,
        "damping_kind": "shared" if damping.shared else "relative",
        "damping_max_step": math.inf if damping.max_step is None else damping.max_step,
    }


def read_damping(group: Mapping[str, Any], default: Damping) -> Damping:
    """The damping of a param group; ``default`` where it has none.

    Raises:
        TypeError: if one of its entries is not a number.
        ValueError: if its λ is negative or not finite, or its bound is not above 0.
    """
    if "damping" not in group:
        return default
    kind = group.get("damping_kind", "absolute")
    if kind in {"relative", "shared"}:
        bound = group.get("damping_max_step", math.inf)
        max_step = None if bound == math.inf else bound
        return RelativeDamping(group["damping"], shared=kind == "shared", max_step=max_step)
    return check_damping(group["damping"], default)
