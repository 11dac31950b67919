"""What all outer parts that are sums over entries have in common: least squares to first order."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from newton_optim import ComposedLoss, HuberLoss, PoissonLoss, SquaredLoss, newton_target
from newton_optim._composed import SeparableLoss
from tests.asserts import assert_close
from tests.settings import DEVICE
from tests.strategies import seeds

PARTS = {
    "squared": SquaredLoss,
    "huber": lambda **options: HuberLoss(delta=0.5, **options),
    "poisson of a logarithm": PoissonLoss,
    "poisson of a rate": lambda **options: PoissonLoss(log_input=False, **options),
}
parts = pytest.mark.parametrize("make", PARTS.values(), ids=list(PARTS))


def result_and_target(seed: int, *shape: int) -> tuple[Tensor, Tensor, Tensor]:
    """A result that is also a rate, counts, and weights of which some are zero."""
    generator = torch.Generator().manual_seed(seed)
    draw = torch.rand(3, *shape, generator=generator, dtype=torch.float64, device="cpu").to(DEVICE)
    return 0.2 + 2 * draw[0], (4 * draw[1]).round(), (2 * draw[2] - 0.5).clamp(min=0.0)


@parts
@given(seeds, st.booleans(), st.sampled_from([(3,), (3, 4), (3, 2, 2)]))
def test_the_gradient_is_scale_times_residual(
    make: Any, seed: int, weighted: bool, shape: tuple[int, ...]
) -> None:
    u, t, w = result_and_target(seed, *shape)
    args = (t, w) if weighted else (t,)
    u.requires_grad_()
    (gradient,) = torch.autograd.grad(make(reduction="sum")(u, *args), u)
    found = make().whitened(u.detach(), *args)
    d = torch.ones_like(found.residual) if found.scale is None else found.scale
    assert found.residual.shape == d.shape == (3, u[0].numel())
    assert_close(d * found.residual, gradient.reshape(3, -1))
    assert_close(found.value, make(reduction="none")(u, *args).detach())
    assert bool((d >= 0).all())


@parts
def test_the_reductions_are_over_samples(make: Any) -> None:
    u, t, w = result_and_target(0, 3, 4)
    losses = make(reduction="none")(u, t, w)
    assert losses.shape == (3,)
    assert_close(make()(u, t, w), losses.mean())
    assert_close(make(reduction="sum")(u, t, w), losses.sum())


@parts
def test_a_target_and_a_weight_broadcast(make: Any) -> None:
    u, _, _ = result_and_target(1, 3, 4)
    full = make()(u, torch.ones_like(u), torch.full_like(u, 2.0))
    assert_close(make()(u, torch.ones(4).to(u), torch.full((1, 1), 2.0).to(u)), full)
    assert_close(make()(u), make()(u, torch.zeros_like(u)))


@parts
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_all_forms_give_the_same_gradient(make: Any, reduction: str) -> None:
    """As the outer part of a loss, in one piece and in two."""
    u, t, w = result_and_target(2, 3, 4)
    part = make(reduction=reduction)
    options: Any = {"curvature": "identity", "reduction": reduction}
    expected = newton_target(lambda y: part(y, t, w), u, **options)
    assert_close(newton_target(ComposedLoss(lambda y: y + 0.0, part), u, t, w, **options), expected)


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        ((torch.ones(3, 4), torch.ones(5)), ValueError, r"target must broadcast .* \(3, 4\)"),
        ((torch.ones(3, 4), torch.ones(2, 3, 4)), ValueError, "target must broadcast"),
        ((torch.ones(3, 4), None, torch.ones(3, 2)), ValueError, "weight must broadcast"),
        ((torch.ones(3, 4), 1.0), TypeError, "target must be a tensor, got float"),
        ((torch.ones(3, 4).long(),), TypeError, "result must be a floating-point tensor"),
        (({"a": torch.ones(3)},), TypeError, "result must be a tensor, got dict"),
    ],
)
def test_bad_arguments(args: Any, error: type[Exception], message: str) -> None:
    for part in (SquaredLoss(), HuberLoss(), PoissonLoss()):
        with pytest.raises(error, match=message):
            part(*args)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: SquaredLoss(reduction="all"), ValueError, "reduction must be one of"),
        (lambda: HuberLoss(delta=0.0), ValueError, "delta must be above 0, got 0"),
        (lambda: HuberLoss(delta="1"), TypeError, "delta must be a real number"),
        (lambda: PoissonLoss(log_input=1), TypeError, "log_input must be a bool"),
        (SeparableLoss, TypeError, "abstract"),
    ],
)
def test_bad_options(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_the_options_are_shown() -> None:
    assert repr(HuberLoss(delta=2.0)) == "HuberLoss(delta=2, reduction='mean')"
    assert repr(PoissonLoss()) == "PoissonLoss(log_input=True, reduction='mean')"
