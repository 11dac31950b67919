"""Holm's correction against p-values by hand."""

from __future__ import annotations

import math

import pytest

from benchmarks.inverse.holm import holm


def test_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_none_is_above_one() -> None:
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_tests_that_did_not_apply_do_not_count() -> None:
    first, second, third = holm([0.01, math.nan, 0.02])
    assert (first, third) == pytest.approx((0.02, 0.02))
    assert math.isnan(second)
    assert holm([]) == []
