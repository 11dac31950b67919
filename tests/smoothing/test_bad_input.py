"""Every bad argument: a `TypeError` or `ValueError` that names it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.smoothing.smoothing_strategies import loss, smoothed

NAN = float("nan")


# --- StochasticSmoothing ---------------------------------------------------------------------

BAD_SMOOTHING: list[tuple[str, Any, type[Exception], str]] = [
    ("function", 3, TypeError, "function must be a callable"),
    ("sigma", 0.0, ValueError, "sigma must be above 0, got 0.0"),
    ("sigma", -1.0, ValueError, "sigma must be above 0"),
    ("sigma", NAN, ValueError, "sigma must be finite"),
    ("sigma", "large", TypeError, "sigma must be a real number"),
    ("sigma", torch.ones(2), TypeError, "sigma must be a real number"),
    ("num_samples", 0, ValueError, "num_samples must be at least 1, got 0"),
    ("num_samples", 2.0, TypeError, "num_samples must be an integer"),
    ("noise", "normal", ValueError, "noise must be one of 'gaussian'"),
    ("noise", "laplace", ValueError, "noise must have a twice differentiable log-density"),
    ("noise", np.zeros(3), TypeError, "noise must be one of"),
    ("control_variate", "mean", ValueError, "control_variate must be True, False or"),
    ("control_variate", 1, TypeError, "control_variate must be True, False or"),
    ("control_variate", np.zeros(3), TypeError, "control_variate must be True, False or"),
    ("antithetic", 1, TypeError, "antithetic must be a bool"),
    ("generator", 0, TypeError, "generator must be a torch.Generator or None, got int 0"),
]
BAD_COMBINATIONS: list[tuple[dict[str, Any], str]] = [
    ({"antithetic": True, "num_samples": 3}, "num_samples must be even with antithetic=True"),
    ({"antithetic": True, "noise": "gumbel"}, "noise must be symmetric with antithetic=True"),
    ({"control_variate": "leave_one_out", "num_samples": 1}, "num_samples must be at least 2 with"),
    (
        {"control_variate": "leave_one_out", "antithetic": True, "num_samples": 2},
        "num_samples must be at least 4 with",
    ),
]


@pytest.mark.parametrize(("name", "value", "error", "match"), BAD_SMOOTHING)
def test_smoothing_option(name: str, value: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        smoothed(**{name: value})


@pytest.mark.parametrize(("options", "match"), BAD_COMBINATIONS)
def test_smoothing_combination(options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        smoothed(**options)


BAD_SMOOTHING_CALLS: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    (torch.zeros(3, 2, dtype=torch.long), {}, TypeError, "y must be a floating-point tensor"),
    ([1.0], {}, TypeError, "y must be a tensor"),
    (torch.zeros(()), {}, ValueError, r"y must have shape \(N, \*event\)"),
    (torch.zeros(0, 2), {}, ValueError, r"y must have shape \(N, \*event\)"),
    (
        torch.zeros(3, 2),
        {"noise_samples": torch.zeros(3, 2)},
        ValueError,
        r"noise_samples must have shape .* = \(4, 3, 2\), got shape \(3, 2\)",
    ),
    (
        torch.zeros(3, 2),
        {"noise_samples": torch.zeros(4, 3, 2, dtype=torch.long)},
        TypeError,
        "noise_samples must be a floating-point tensor",
    ),
    (torch.zeros(3, 2), {"noise_samples": [0.0]}, TypeError, "noise_samples must be a floating"),
]


@pytest.mark.parametrize(("y", "options", "error", "match"), BAD_SMOOTHING_CALLS)
def test_smoothing_call(
    y: Any, options: dict[str, Any], error: type[Exception], match: str
) -> None:
    for method in (smoothed(), smoothed().derivatives):
        with pytest.raises(error, match=match):
            method(y, **options)


def test_smoothed_function() -> None:
    for result, error, match in (
        (None, TypeError, "function must return a real tensor"),
        (torch.zeros(3), ValueError, r"function must return shape \(B,\) or .* here B = 15"),
    ):
        module = smoothed(lambda x: result)  # noqa: B023
        with pytest.raises(error, match=match):
            module(torch.zeros(3, 2))
    with pytest.raises(ValueError, match=r"args\[0\] must have one row for each of the 3 samples"):
        smoothed(lambda x, t: t)(torch.zeros(3, 2), torch.zeros(2))


# --- FenchelYoungLoss ------------------------------------------------------------------------

BAD_LOSS: list[tuple[str, Any, type[Exception], str]] = [
    ("solver", 3, TypeError, "solver must be a callable"),
    ("sigma", 0.0, ValueError, "sigma must be above 0, got 0.0"),
    ("sigma", NAN, ValueError, "sigma must be finite"),
    ("sigma", "large", TypeError, "sigma must be a real number"),
    ("num_samples", 0, ValueError, "num_samples must be at least 1, got 0"),
    ("num_samples", True, TypeError, "num_samples must be an integer"),
    ("maximize", 1, TypeError, "maximize must be a bool"),
    ("reduction", "Mean", ValueError, "reduction must be one of"),
    ("generator", 0, TypeError, "generator must be a torch.Generator or None, got int 0"),
]


@pytest.mark.parametrize(("name", "value", "error", "match"), BAD_LOSS)
def test_loss_option(name: str, value: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        loss(**{name: value})


GOOD = torch.zeros(3, 2)
BAD_LOSS_CALLS: list[tuple[tuple[Any, ...], type[Exception], str]] = [
    ((GOOD.long(), GOOD), TypeError, "theta must be a floating-point tensor"),
    ((1.0, GOOD), TypeError, "theta must be a tensor"),
    ((torch.zeros(0, 2), torch.zeros(0, 2)), ValueError, r"theta must have shape \(N, \*event\)"),
    ((GOOD, None), TypeError, "target must be a real tensor, got NoneType None"),
    ((GOOD, GOOD + 1j), TypeError, "target must be a real tensor"),
    ((GOOD, GOOD[0]), ValueError, r"target must have the shape of theta, \(3, 2\)"),
    ((GOOD, GOOD, GOOD), ValueError, r"noise_samples must have shape .* = \(4, 3, 2\)"),
    ((GOOD, GOOD, GOOD.long()), TypeError, "noise_samples must be a floating-point tensor"),
]


@pytest.mark.parametrize(("args", "error", "match"), BAD_LOSS_CALLS)
def test_loss_call(args: tuple[Any, ...], error: type[Exception], match: str) -> None:
    for method in (loss(), loss().derivatives):
        with pytest.raises(error, match=match):
            method(*args)


@pytest.mark.parametrize(
    ("result", "error", "match"),
    [
        (None, TypeError, "solver must return a real tensor"),
        (torch.zeros(12, 2) + 1j, TypeError, "solver must return a real tensor"),
        (torch.zeros(3, 2), ValueError, "solver must return shape .* here B = 12"),
        (torch.zeros(12), ValueError, r"solver must return solutions .*\(B, 2\), got \(B,\)"),
        (torch.zeros(12, 3), ValueError, r"solver must return solutions .*\(B, 2\), got \(B, 3\)"),
    ],
)
def test_solver(result: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        loss(lambda theta: result)(GOOD, GOOD)
