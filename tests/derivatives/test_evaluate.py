"""One evaluation of a loss, whatever form it is given in."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from newton_optim import ComposedLoss, LossDerivatives
from newton_optim._derivatives import Evaluation, Request, evaluate
from newton_optim._outputs import flatten_outputs
from tests.asserts import assert_close

Y = torch.tensor([[0.3, -1.2], [0.5, 2.0], [1.5, 0.4]], dtype=torch.float64)
T = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 2.0]], dtype=torch.float64)


class Quartic:
    """`Σ_j (y_j - t_j)^4`, which counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, y: Tensor, t: Tensor = T) -> Tensor:
        self.calls += 1
        return (y - t).pow(4).sum(-1)


class QuarticWithDerivatives(Quartic):
    """The same with its derivatives written down."""

    def derivatives(self, y: Tensor, t: Tensor = T) -> LossDerivatives:
        d = y - t
        hessian = lambda: torch.diag_embed(12 * d.square())  # noqa: E731
        return LossDerivatives(d.pow(4).sum(-1), 4 * d.pow(3), hessian)


def evaluated(loss: Any, needs: Any, *args: Any, **kwargs: Any) -> Evaluation:
    y = Y.clone().requires_grad_()
    loss = loss(y) if loss == "tensor" else loss
    return evaluate(loss, flatten_outputs(y), args, kwargs, "mean", Request(needs))


def forms() -> dict[str, Any]:
    return {
        "callable": Quartic(),
        "partial": partial(Quartic(), t=T),
        "method": QuarticWithDerivatives(),
        "partial method": partial(QuarticWithDerivatives(), t=T),
        "composed": ComposedLoss(lambda y: y - T, lambda d: d.pow(4).sum(-1)),
    }


@pytest.mark.parametrize("form", forms())
@pytest.mark.parametrize("needs", ["gradient", "hessian", "joint", "gauss_newton"])
def test_value_gradient_and_hessian_of_every_form(form: str, needs: str) -> None:
    found = evaluated(forms()[form], needs)
    assert_close(found.value, (Y - T).pow(4).sum(-1))
    assert_close(found.gradient, 4 * (Y - T).pow(3))
    H = torch.diag_embed(12 * (Y - T).square())
    if needs in {"hessian", "joint"}:
        assert_close(found.hessian(), H)
        assert_close(found.joint_hessian().sum(0).permute(1, 2, 0), H)
        assert_close(found.products(T[None])[0], (H @ T[..., None])[..., 0])
    elif form == "composed" and needs == "gauss_newton":
        assert found.gauss_newton is not None
        assert_close(found.gauss_newton(), H)
    else:
        assert found.gauss_newton is None or form == "composed"


@pytest.mark.parametrize("needs", ["gradient", "hessian", "joint"])
def test_a_callable_is_called_once(needs: str) -> None:
    loss = Quartic()
    found = evaluated(loss, needs)
    if needs != "gradient":
        found.hessian()
        found.joint_hessian()
    assert loss.calls == 1


def test_first_derivatives_have_no_products() -> None:
    for form in ("callable", "composed"):
        found = evaluated(forms()[form], "gradient")
        with pytest.raises(ValueError, match="first derivatives only"):
            found.products(Y[None])


def test_arguments_and_keywords_reach_the_loss() -> None:
    zero = torch.zeros_like(T)
    assert_close(evaluated(Quartic(), "gradient", zero).gradient, 4 * Y.pow(3))
    assert_close(evaluated(Quartic(), "gradient", t=zero).gradient, 4 * Y.pow(3))
    bound = partial(Quartic(), t=T)
    assert_close(evaluated(bound, "gradient", t=zero).gradient, 4 * Y.pow(3))


def test_arguments_bound_before_the_outputs() -> None:
    """`partial(loss, first)` puts the outputs second: they are no longer what `inner` maps."""
    weighted = partial(lambda w, y: (w * y).square().sum(-1), 3.0)
    assert_close(evaluated(weighted, "hessian").gradient, 18 * Y)
    composed = partial(ComposedLoss(lambda w: 2 * w, lambda u, y: (u * y).square().sum(-1)), Y)
    found = evaluated(composed, "gradient")
    assert_close(found.gradient, 2 * (2 * Y).square() * Y)
    assert found.gauss_newton is None
