"""A Newton step on the output and one on the parameters are one Newton step on the parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

import newton_optim
from newton_optim.curvature import Hessian
from newton_optim.testing._case import Case
from newton_optim.testing._comparison import assert_rows_close
from newton_optim.testing._entry_points import NewtonLossFunction
from newton_optim.testing._evaluation import UnusableLossError
from newton_optim.testing._quantities import gradient, hessian
from newton_optim.testing._rounding import rounding


def assert_two_newton_steps_are_one(
    loss_fn: Any,
    outputs: Any,
    *args: Any,
    reduction: str = "mean",
    newton_loss: NewtonLossFunction = newton_optim.newton_loss,
) -> None:
    r"""With `N = m = 1`, Newton on `z` and then on `θ` is Newton on `θ` directly.

    .. math:: l'' \nabla_θ l^\star = \nabla_θ (l ∘ f), \qquad
              l'' \nabla_θ^2 l^\star = \nabla_θ^2 (l ∘ f)

    for `λ = 0` and the raw Hessian. This is Lemma 3 of `arXiv 2410.19055`_. The loss is taken along
    the line from zero to the outputs, where it has one input; `f` is a small curved function of two
    parameters.

    It sees a Newton loss of a wrong scale. It does not see an error that needs several samples or
    coordinates.

    Args:
        loss_fn: the loss, called as ``loss_fn(outputs, *args)``.
        outputs: the network's outputs, `(N, *event)`, or a tuple, list or dict of them.
        *args: further arguments of the loss.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".
        newton_loss: the function that is tested, also a custom one.

    Raises:
        AssertionError: with both gradients or both Hessians. Where `l''` is zero up to rounding
            there is nothing to compare.

    .. _arXiv 2410.19055: https://arxiv.org/abs/2410.19055
    """
    case = Case.checked(loss_fn, outputs, args, reduction)
    line, direction = _line(case)
    one = Case.checked(line, case.y.new_ones(1), (), reduction)
    bend, length = float(hessian(one)), float(direction.norm())
    noise = float(rounding(case, hessian).sum()) * length**2
    slope_noise = float(rounding(case, gradient).sum()) * length
    if abs(bend) <= noise:
        return
    options: dict[str, Any] = {
        "curvature": Hessian(eigenvalues="raw"),
        "damping": 0.0,
        "reduction": reduction,
    }
    actual = _first_and_second(lambda t: newton_loss(line(t), t, **options), one)
    expected = _first_and_second(lambda t: line(t) / bend, one)
    # The rounding of l' / l'', times what f contributes.
    slope = float(gradient(one)) / bend
    bound = one.y.new_full((1,), 8 * (slope_noise + noise * (1 + abs(slope))))
    for kind, a, b in zip(("gradient", "Hessian"), actual, expected, strict=True):
        what = f"the {kind} of the Newton loss by θ, times l''"
        assert_rows_close(what, bend * a, bend * b, bound, case.y.reshape(1, -1))


def _line(case: Case) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """The loss along the line through the outputs, which are at `t = 1`, and its direction."""
    direction = case.y if bool(case.y.any()) else torch.ones_like(case.y)

    def line(t: Tensor) -> Tensor:
        parts = case.outputs.split(case.y + (t - 1) * direction)
        return case.scalar_loss(case.outputs.rebuild(parts))

    return line, direction


def _first_and_second(function: Callable[[Tensor], Tensor], one: Case) -> tuple[Tensor, Tensor]:
    """Gradient `(1, 2)` and Hessian `(1, 4)` by `θ` of a function of a curved `t(θ)`."""
    theta = one.y.new_zeros(2, requires_grad=True)
    t = 1 + theta[0] - 0.5 * theta[1] + theta[0].square() + (theta[0] * theta[1]).sin()
    try:
        (first,) = torch.autograd.grad(function(t.reshape(1)), theta, create_graph=True)
        rows = [torch.autograd.grad(g, theta, retain_graph=True)[0] for g in first]
    except RuntimeError as error:
        raise UnusableLossError(f"the Newton loss cannot be differentiated: {error}") from error
    return first.detach()[None], torch.stack(rows).detach().reshape(1, -1)
