from __future__ import annotations

from typing import Any

import pytest
import torch

from newton_optim.sorting._scores import at_least_float32, check_scores


@pytest.mark.parametrize("shape", [(1,), (4,), (0, 4), (2, 3, 4)])
def test_scores_of_any_leading_shape_pass(shape: tuple[int, ...]) -> None:
    scores = torch.zeros(shape)
    assert check_scores(scores) is scores
    assert check_scores(scores, n=shape[-1]) is scores


@pytest.mark.parametrize(
    ("scores", "n", "error", "match"),
    [
        ([1.0], None, TypeError, "scores must be a tensor, got list"),
        (torch.zeros(3).long(), 3, TypeError, "scores must be a floating-point tensor"),
        (torch.zeros(()), None, ValueError, r"\(\.\.\., n\) with n of at least 1, got shape \(\)"),
        (torch.zeros(2, 0), None, ValueError, r"with n of at least 1, got shape \(2, 0\)"),
        (torch.zeros(()), 4, ValueError, r"scores must have shape \(\.\.\., 4\), got shape \(\)"),
        (torch.zeros(2, 0), 4, ValueError, r"\(\.\.\., 4\), got shape \(2, 0\)"),
        (torch.zeros(4, 3), 4, ValueError, r"\(\.\.\., 4\), got shape \(4, 3\)"),
    ],
)
def test_other_scores_are_refused(
    scores: Any, n: int | None, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        check_scores(scores, n=n)


def test_half_precision_is_widened_and_float64_kept() -> None:
    for half in (torch.float16, torch.bfloat16, torch.float32):
        assert at_least_float32(half) == torch.float32
    assert at_least_float32(torch.float64) == torch.float64
