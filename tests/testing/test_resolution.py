"""At wider outputs, what float32 cannot resolve is left out, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from newton_optim.testing import check_loss
from newton_optim.testing._case import Case
from newton_optim.testing._resolution import Resolved
from tests.testing.broken_losses import overflows
from tests.testing.losses import T, Y, smooth
from tests.testing.practice.derivatives import soft_dtw
from tests.testing.practice.numbers import student_nll, variance_of_moments

LOCATIONS = torch.tensor([0.3, -1.0, 0.5])


def resolved(loss: Callable[..., Tensor], y: Tensor, *args: Tensor) -> Resolved:
    return Resolved.of(Case.checked(loss, y, args, "mean", dtype=torch.float32))


def test_a_peak_between_two_numbers_of_float32_is_left_out() -> None:
    y = torch.tensor([[50.0, -40.0], [50.0, 2.0], [-30.0, -90.0]])
    found = resolved(student_nll, y, LOCATIONS)
    (part,) = found.parts
    assert part.y.tolist() == [[50.0, 2.0]]
    assert part.args[0].tolist() == [-1.0]
    assert not part.promises
    assert "not judged: 2 of 3 samples, whose loss bends within the spacing" in found.remark


def test_a_hessian_below_the_rounding_of_its_operators_is_left_out() -> None:
    generator = torch.Generator().manual_seed(2)
    y, t = (torch.randn(4, 6, generator=generator) for _ in range(2))
    found = resolved(soft_dtw, 100 * y, t)
    sizes = {bool(part.promises): part.num_samples for part in found.parts}
    assert sizes[True] > 0
    assert sum(sizes.values()) == 4
    assert f"the Hessian of {sizes[True]} of 4 samples" in found.remark


def clamped(y: Tensor, t: Tensor) -> Tensor:
    """Constant far from the target."""
    return (y - t).square().sum(dim=1).clamp(max=4.0)


@pytest.mark.parametrize(
    ("loss", "args"), [(smooth, (T,)), (clamped, (T,)), (overflows, ()), (lambda y: y.sum(-1), ())]
)
def test_everything_else_is_judged(loss: Callable[..., Tensor], args: tuple[Tensor, ...]) -> None:
    found = resolved(loss, 100 * Y, *args)
    (part,) = found.parts
    assert found.remark == ""
    assert torch.equal(part.y, 100 * Y)
    assert not part.promises


def test_the_report_says_what_it_left_out() -> None:
    y = torch.tensor([[0.5, -1.0], [-0.3, 0.7], [1.0, -0.8]])
    report = check_loss(student_nll, y, LOCATIONS)
    assert report.ok, report
    remark = report["float32_matches_float64"].detail
    assert remark.startswith("outputs times 100: not judged: 2 of 3 samples")
    assert remark.endswith("name the spreads that occur with spreads=")


def test_the_outputs_that_were_given_are_judged_always() -> None:
    y = torch.tensor([[50.0, -100.0], [-30.0, 70.0], [100.0, -80.0]])
    assert "float32_matches_float64" in check_loss(student_nll, y, LOCATIONS, spreads=()).failed
    far = 1000 + torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    assert "float32_matches_float64" in check_loss(variance_of_moments, far, spreads=()).failed
