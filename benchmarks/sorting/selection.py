"""The result of a run from its curve: at the best validated step, and at the last one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

# Validation looks at the first five elements of a set, however many it has.
VALIDATED_ELEMENTS: Final = 5


def select(curve: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The measures of one seed.

    Args:
        curve: its points, each with ``validation`` (EM of the first five elements, on the digits
            of validation), and ``em`` and ``ew`` on those that are reported.

    Returns:
        ``em`` and ``ew`` at the last step; ``best_em``, ``best_ew`` and ``best_step`` at the first
        of the steps with the best validation.
    """
    best = max(curve, key=lambda point: point["validation"])
    last = curve[-1]
    return {
        "best_em": best["em"],
        "best_ew": best["ew"],
        "best_step": best["step"],
        "em": last["em"],
        "ew": last["ew"],
    }
