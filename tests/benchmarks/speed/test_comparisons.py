"""The list of comparisons."""

from __future__ import annotations

from benchmarks.speed.comparisons import COMPARISONS


def test_keys_are_unique() -> None:
    assert len({one.key for one in COMPARISONS}) == len(COMPARISONS)


def test_every_loss_has_its_costs() -> None:
    keys = {one.key for one in COMPARISONS if one.key.startswith("cost-")}
    assert "cost-softsort-hessian" in keys
    assert "cost-relaxed-bellman-ford-for-l2²-gauss-newton" in keys
    assert len(keys) == 8 + 13


def test_outputs_grow_under_both_curvatures() -> None:
    keys = {one.key for one in COMPARISONS if one.key.startswith("size-")}
    assert keys == {f"size-{m}-{name}" for m in (10, 100, 1000) for name in ("hessian", "fisher")}
