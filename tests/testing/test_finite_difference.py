"""A central difference is as uncertain as it is wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from newton_optim.testing._finite_difference import OFFSETS, Difference

H = 2.0**-10
AT = torch.tensor([[0.5, 1.0]], dtype=torch.float64)


def difference(function: Callable[[Tensor], Tensor]) -> Difference:
    return Difference.of([function(AT + k * H) for k in OFFSETS], H)


@pytest.mark.parametrize(
    ("function", "slope"),
    [(torch.sin, torch.cos), (torch.exp, torch.exp), (torch.tan, lambda y: y.cos() ** -2)],
)
def test_a_smooth_function_is_within_its_uncertainty(
    function: Callable[[Tensor], Tensor], slope: Callable[[Tensor], Tensor]
) -> None:
    found = difference(function)
    error = (found.value - slope(AT)).abs()
    assert (error <= found.uncertainty).all()
    assert (found.uncertainty <= 100 * error).all()


@pytest.mark.parametrize("place", [-1.0, -0.5, 0.0, 0.5, 1.0])
def test_the_uncertainty_covers_a_jump_within_reach(place: float) -> None:
    found = difference(lambda y: (y > AT + place * H).to(y))
    assert (found.uncertainty >= found.value.abs() - 1e-9).all()


def test_what_exceeds_it_is_reported() -> None:
    found = difference(torch.sin)
    noise = torch.full((1, 1), 1e-12)
    found.compare("the slope", AT.cos(), noise, AT)
    wrong = AT.cos() + torch.tensor([[0.0, 1e-3]])
    message = r"the slope, sample 0, coordinate 1: autograd gives .* at outputs \[0.5, 1\]"
    with pytest.raises(AssertionError, match=message):
        found.compare("the slope", wrong, noise, AT)
