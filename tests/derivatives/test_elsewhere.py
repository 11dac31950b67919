"""A loss after a step: its values for several steps at once, and its derivatives."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from newton_optim import ComposedLoss, ResidualLoss, SquaredLoss
from newton_optim._derivatives import Elsewhere, Request, loss_derivatives
from newton_optim._outputs import flatten_outputs
from newton_optim.sorting import RankingLoss, SoftSort
from tests.asserts import assert_close
from tests.settings import DEVICE


def outputs_and_steps() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    draw = torch.randn(5, 4, 3, generator=generator, dtype=torch.float64, device="cpu").to(DEVICE)
    return draw[0], draw[1], draw[2:]


def elsewhere_of(loss: Any, outputs: Any, *args: Any, reduction: str = "mean") -> Elsewhere:
    request = Request("gradient", revisits=True)
    flat = flatten_outputs(outputs)
    found = loss_derivatives(loss, flat, args, {}, reduction, request)[1].elsewhere
    assert found is not None
    return found


def per_sample(y: Tensor, t: Tensor) -> Tensor:
    return 0.5 * (y.sin() - t).square().sum(-1)


FORMS: dict[str, Any] = {
    "per sample": per_sample,
    "partial": partial(per_sample),
    "bound before the outputs": partial(lambda scale, y, t: scale * per_sample(y, t), 1.0),
    "composed": ComposedLoss(torch.sin, SquaredLoss()),
    "a sum": ComposedLoss(torch.sin, SquaredLoss(reduction="sum")),
    "residuals": ResidualLoss(lambda y, t: y.sin() - t),
    "composed of a function": ComposedLoss(torch.sin, lambda u, t: 0.5 * (u - t).square().sum(-1)),
}


@pytest.mark.parametrize("loss", FORMS.values(), ids=list(FORMS))
def test_values_are_those_of_every_sample(loss: Any) -> None:
    y, t, steps = outputs_and_steps()
    found = elsewhere_of(loss, y, t)
    assert_close(found.values(steps), torch.stack([per_sample(y - s, t) for s in steps]))


def test_the_mean_squared_error_of_pytorch_has_values_per_sample() -> None:
    y, t, steps = outputs_and_steps()
    found = elsewhere_of(ComposedLoss(torch.sin, nn.MSELoss()), y, t)
    expected = torch.stack([2 / 3 * per_sample(y - s, t) for s in steps])
    assert_close(found.values(steps), expected)


@pytest.mark.parametrize(("reduction", "factor"), [("mean", 1.0), ("sum", 0.25)])
def test_of_one_number_each_sample_has_its_share(reduction: str, factor: float) -> None:
    y, t, steps = outputs_and_steps()
    found = elsewhere_of(lambda y: per_sample(y, t).mean(), y, reduction=reduction)
    means = torch.stack([per_sample(y - s, t).mean() for s in steps])
    assert_close(found.values(steps), factor * means[:, None].expand(3, 4))


def test_a_loss_that_states_its_derivatives_is_asked_for_its_values() -> None:
    y, t, steps = outputs_and_steps()
    found = elsewhere_of(RankingLoss(SoftSort()), y, t)
    single = RankingLoss(SoftSort(), reduction="none")
    assert_close(found.values(steps), torch.stack([single(y - s, t) for s in steps]))


def test_structures_and_derivatives_after_a_step() -> None:
    y, t, steps = outputs_and_steps()
    parts = {"a": y[:, :1], "b": y[:, 1:]}
    found = elsewhere_of(lambda p: per_sample(torch.cat([p["a"], p["b"]], 1), t), parts)
    assert_close(found.values(steps)[0], per_sample(y - steps[0], t))
    after = found.derivatives(steps[1])
    assert after is not None
    z = y - steps[1]
    assert_close(after.value, per_sample(z, t))
    assert_close(after.gradient, (z.sin() - t) * z.cos())
    assert after.elsewhere is not None


def test_failures_are_infinite_or_absent() -> None:
    y, t, steps = outputs_and_steps()

    def fails_elsewhere(z: Tensor) -> Tensor:
        moved = float((z.detach() - y).abs().max())
        if moved > 1e-6 and float((z.detach() - y + steps[1]).abs().max()) < 1e-12:
            raise ArithmeticError("no solution")
        return torch.where(torch.arange(4, device=z.device) == 2, torch.nan, 1.0) * per_sample(z, t)

    found = elsewhere_of(fails_elsewhere, y)
    values = found.values(steps)
    assert values[1].isinf().all()
    assert values[[0, 2]].isinf().sum(1).tolist() == [1, 1]
    assert found.derivatives(steps[1]) is None
    assert found.derivatives(steps[0]) is not None


def test_values_have_no_graph() -> None:
    y, t, steps = outputs_and_steps()
    weight = nn.Parameter(torch.ones((), dtype=y.dtype, device=y.device))
    found = elsewhere_of(lambda y: weight * per_sample(y, t), y.requires_grad_())
    assert not found.values(steps).requires_grad


def test_it_is_absent_where_it_was_not_asked_for() -> None:
    y, t, _ = outputs_and_steps()
    flat = flatten_outputs(y)
    assert loss_derivatives(per_sample, flat, (t,), {}, "mean", Request())[1].elsewhere is None
