"""Rows are compared with their bounds, and the worst one is reported."""

from __future__ import annotations

import pytest
import torch

from newton_optim.testing._comparison import assert_rows_close, show, worst

EXPECTED = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
BOUND = torch.tensor([0.1, 0.1, 1.0])


def test_rows_within_their_bounds_pass() -> None:
    assert_rows_close("rows", EXPECTED + BOUND[:, None] / 2, EXPECTED, BOUND, EXPECTED)


def test_the_row_that_exceeds_its_bound_the_most_is_reported() -> None:
    actual = EXPECTED + torch.tensor([[0.2, 0.0], [0.0, 0.5], [0.0, 2.0]])
    message = (
        r"^rows: sample 1 differs by 0\.5, where rounding explains 0\.1: got \[3, 4\.5\], "
        r"expected \[3, 4\], at outputs \[30, 40\] \(3 of 3 samples differ\)$"
    )
    with pytest.raises(AssertionError, match=message):
        assert_rows_close("rows", actual, EXPECTED, BOUND, 10 * EXPECTED)


@pytest.mark.parametrize("nonfinite", [torch.nan, torch.inf])
def test_rows_that_are_not_finite_must_agree_on_that(nonfinite: float) -> None:
    actual = EXPECTED.clone()
    actual[0, 1] = nonfinite
    assert_rows_close("rows", actual, actual, BOUND, EXPECTED)
    with pytest.raises(AssertionError, match="sample 0 differs by"):
        assert_rows_close("rows", actual, EXPECTED, BOUND, EXPECTED)


def test_only_wrong_entries_can_be_the_worst() -> None:
    error, bound = torch.tensor([9.0, 2.0, torch.nan]), torch.tensor([1.0, 1.0, 1.0])
    assert worst(error, bound, torch.tensor([False, True, False])) == 1
    assert worst(error, bound, torch.tensor([True, True, True])) == 2


def test_long_rows_are_shortened() -> None:
    assert show(torch.arange(3.0) / 3) == "[0, 0.333333, 0.666667]"
    assert show(torch.zeros(5), limit=2) == "[0, 0, ...]"
