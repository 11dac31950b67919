"""What ``diagnose`` makes of bad losses, of scales, and of its arguments."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import newton_optim
from newton_optim import diagnose
from tests.diagnosis.losses import normal

# --- Bad losses -------------------------------------------------------------------------------


def raising(y: Tensor) -> Tensor:
    raise IndexError("no such label")


@pytest.mark.parametrize(
    ("loss", "times", "words"),
    [
        (raising, None, "IndexError: no such label"),
        (lambda y: y, None, "shape"),
        (lambda y: None, None, "got NoneType"),
        (lambda y: y.argmax(dim=1), None, "floating-point"),
        (lambda y: (y > 0).float().sum(dim=1), 0, "no graph"),
        (lambda y: y.detach().square().sum(dim=1), 0, "no graph"),
    ],
)
def test_a_loss_that_cannot_be_used(loss: Any, times: int | None, words: str) -> None:
    d = diagnose(loss, normal(0, 4, 3))
    assert d.problem is not None
    assert words in d.problem
    assert d.times_differentiable == times
    assert (d.curvature, d.entry_point, d.solved_by_one_gradient_step) == (None, None, None)
    assert words in " ".join(str(d).split())
    assert ("smooth" in d.verdict) == (times == 0)


def test_flat_and_not_finite() -> None:
    y = normal(0, 8, 3)
    flat = diagnose(lambda y: y.round().sum(dim=1), y)
    assert "flat" in flat.verdict
    broken = diagnose(lambda y: y.sum(dim=1), torch.full((4, 3), torch.nan))
    assert "no finite gradient" in broken.verdict
    assert broken.nonfinite == 1.0
    overflowing = diagnose(lambda y: (1e4 * y).exp().mean(), y)
    assert overflowing.curvature is None or overflowing.damping == 1.0
    some = diagnose(lambda y: y.sqrt().sum(dim=1), torch.tensor([[-1.0], [1.0], [2.0], [3.0]]))
    assert some.nonfinite == 0.25
    assert "25% of the samples have no finite loss or gradient: fix the loss" in some.verdict
    assert some.curvature is None


def test_a_random_loss() -> None:
    y = normal(0, 8, 3)
    generator = torch.Generator("cpu").manual_seed(0)

    def restless(y: Tensor) -> Tensor:
        return (torch.rand(y.shape, generator=generator, device="cpu").to(y) * y.square()).sum(
            dim=1
        )

    assert diagnose(restless, y).is_random
    state = torch.get_rng_state()
    seeds = [diagnose(lambda y: F.dropout(y).sin().sum(dim=1), y, seed=s) for s in (0, 0, 5)]
    assert all(d.is_random for d in seeds)
    assert torch.equal(torch.get_rng_state(), state)
    assert seeds[0].median_gradient == seeds[1].median_gradient != seeds[2].median_gradient


def test_a_module_with_parameters_is_judged_and_left_alone() -> None:
    class Weighted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm1d(3)

        def forward(self, y: Tensor) -> Tensor:
            return self.norm(y).sin().sum(dim=1)

    module = Weighted()
    d = diagnose(module, normal(0, 8, 3))
    assert d.roundings
    assert d.is_coupled
    assert module.norm.num_batches_tracked == 0
    assert module.norm.weight.dtype == torch.float32


# --- The scale, and arguments -----------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_reductions_and_structures_give_the_same(dtype: torch.dtype) -> None:
    y, t = normal(0, 6, 4).to(dtype), normal(1, 6, 4)
    a = torch.tensor([1.0, 2.0, 3.0, 5.0])

    def per_sample(y: Any, t: Tensor) -> Tensor:
        parts = y if isinstance(y, Tensor) else torch.cat([y["a"], y["b"][:, 0]], dim=1)
        return (a * (parts - t).square()).sum(dim=1)

    split = {"a": y[:, :1], "b": y[:, None, 1:]}
    found = [
        diagnose(per_sample, y, t),
        diagnose(lambda y, t: per_sample(y, t).mean(), y, t, reduction="mean"),
        diagnose(lambda y, t: per_sample(y, t).sum(), y, t, reduction="sum"),
        diagnose(per_sample, split, t),
        diagnose(lambda y, *, goal: per_sample(y, goal), y, goal=t),
    ]
    g = 2 * a.double() * (y.double() - t.double())
    median = float(g.norm(dim=1).median())
    for d in found:
        assert d.median_gradient == pytest.approx(median, rel=1e-6)
        assert (d.num_samples, d.num_outputs) == (6, 4)
        assert d.condition == pytest.approx(5.0)
        assert d.newton_cosine == pytest.approx(found[0].newton_cosine)


y = torch.zeros(2, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: diagnose(y.sum(), y), TypeError, "loss_fn must be a callable, got a tensor"),
        (lambda: diagnose(nn.MSELoss, y, y), TypeError, "loss_fn must be a callable"),
        (lambda: diagnose(F.mse_loss, 1.0, y), TypeError, "outputs must be a tensor"),
        (lambda: diagnose(F.mse_loss, y.long(), y), TypeError, "outputs must be a floating-point"),
        (lambda: diagnose(F.mse_loss, y[:0], y), ValueError, "outputs must not be empty"),
        (lambda: diagnose(F.mse_loss, y, y, reduction="none"), ValueError, "reduction must be"),
        (lambda: diagnose(F.mse_loss, y, y, seed=-1), ValueError, "seed must be at least 0"),
        (lambda: diagnose(F.mse_loss, y, y, seed=0.5), TypeError, "seed must be an integer"),
    ],
)
def test_bad_arguments(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_it_is_public() -> None:
    assert {"diagnose", "Diagnosis"} <= set(newton_optim.__all__)
