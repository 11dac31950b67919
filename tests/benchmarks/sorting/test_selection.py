"""The result of a run: at the best validated step, and at the last one."""

from __future__ import annotations

from typing import Any

from benchmarks.sorting.selection import select


def point(step: int, validation: float, em: float) -> dict[str, Any]:
    return {"step": step, "validation": validation, "em": em, "ew": em / 2, "loss": None}


def test_the_best_validated_step_counts_and_the_last_one_is_beside_it() -> None:
    curve = [point(1, 0.5, 0.3), point(2, 0.8, 0.4), point(3, 0.7, 0.9), point(4, 0.1, 0.2)]
    assert select(curve) == {
        "best_em": 0.4,
        "best_ew": 0.2,
        "best_step": 2,
        "em": 0.2,
        "ew": 0.1,
    }


def test_of_equal_validations_the_first_counts() -> None:
    assert select([point(1, 0.5, 0.1), point(2, 0.5, 0.9)])["best_step"] == 1
