"""The tests of the tables against scipy's."""

from __future__ import annotations

import math

import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.runs.statistics import confidence, deviation, mean, paired, welch

VALUES = st.lists(
    st.integers(0, 10_000).map(lambda k: k / 100), min_size=2, max_size=12, unique=True
)


@given(VALUES, VALUES)
def test_welch_is_scipys(first: list[float], second: list[float]) -> None:
    ours, theirs = welch(first, second), scipy.stats.ttest_ind(first, second, equal_var=False)
    assert ours.t == pytest.approx(theirs.statistic, rel=1e-9, abs=1e-9)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-7)
    assert ours.degrees == pytest.approx(theirs.df, rel=1e-9)


@given(st.data())
def test_paired_is_scipys(data: st.DataObject) -> None:
    first = data.draw(VALUES)
    steps = st.lists(st.integers(-999, 999), min_size=len(first), max_size=len(first), unique=True)
    second = [value + step / 100 for value, step in zip(first, data.draw(steps), strict=True)]
    ours, theirs = paired(first, second), scipy.stats.ttest_rel(first, second)
    assert ours.t == pytest.approx(theirs.statistic, rel=1e-6, abs=1e-9)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-5)


def test_mean_and_sample_deviation() -> None:
    assert mean([1.0, 2.0, 6.0]) == 3.0
    assert deviation([1.0, 2.0, 6.0]) == pytest.approx(math.sqrt(7))
    assert math.isnan(mean([]))
    assert math.isnan(deviation([1.0]))


@pytest.mark.parametrize(
    ("first", "second"), [([1.0], [2.0, 3.0]), ([1.0], [2.0]), ([1.0, 1.0], [2.0, 2.0])]
)
def test_where_nothing_can_be_said_p_is_nan(first: list[float], second: list[float]) -> None:
    assert math.isnan(welch(first, second).p)
    if len(first) == len(second):
        assert math.isnan(paired(first, second).p)


def test_the_confidence_interval_is_students() -> None:
    values = [0.3, 0.5, 0.9, 0.2]
    low, high = scipy.stats.t.interval(
        0.95, len(values) - 1, loc=mean(values), scale=scipy.stats.sem(values)
    )
    assert confidence(values) == pytest.approx((high - low) / 2)
    assert confidence([1.0]) == confidence([]) == 0.0
