"""The identities of the method: MSE collapse, fixpoint, Lemmas 2 and 3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

import newton_optim
from newton_optim._checks import check_nonnegative
from newton_optim._outputs import flatten_outputs
from newton_optim._reduction import reduce_loss
from newton_optim.curvature import Hessian, Identity, RelativeDamping, SupportsNewtonStep
from newton_optim.testing._case import Case, UnusableLossError
from newton_optim.testing._rounding import (
    EPS,
    ROUNDINGS,
    assert_rows_close,
    gradient,
    hessian,
    rounding,
)
from newton_optim.testing._steps import (
    NewtonLossFunction,
    arriving,
    step_rounding,
    takes_tensors,
    through,
)


def half_squared_error(outputs: Any, target: Any) -> Tensor:
    """`½‖y_i - t_i‖²`, shape `(N,)`: the loss whose Newton loss is itself."""
    y, t = flatten_outputs(outputs), flatten_outputs(target)
    return 0.5 * (y.join(y.parts) - t.join(t.parts)).square().sum(1)


def assert_mse_collapse(
    outputs: Any,
    target: Any,
    *,
    loss_fn: Callable[..., Tensor] = half_squared_error,
    curvature: str | SupportsNewtonStep = "hessian",
    damping: float = 0.0,
    reduction: str = "mean",
    newton_loss: NewtonLossFunction = newton_optim.newton_loss,
) -> None:
    r"""The Newton loss of MSE is MSE (`arXiv 2410.19055`_, Sec. 3.2): the target of the step is t.

    .. math:: l_i = \tfrac12\lVert y_i - t_i\rVert^2 \;\Rightarrow\; s_i = (y_i - t_i) / (1 + λ)

    Args:
        outputs: as for :func:`assert_usable`.
        target: t, in the structure and shapes of the outputs.
        loss_fn: `loss_fn(outputs, target)`, your own half squared error, perhaps.
        curvature: one that is the identity here: the Hessian's; your own, perhaps.
        damping: λ.
        reduction: as for :func:`assert_usable`.
        newton_loss: what makes the step; your own function with this signature, perhaps.

    Raises:
        AssertionError: with the sample and both steps.

    .. _arXiv 2410.19055: https://arxiv.org/abs/2410.19055
    """
    lam = check_nonnegative("damping", damping)
    case = Case.checked(loss_fn, outputs, (target,), reduction)
    t = Case.checked(loss_fn, case.args[0], (), reduction).y
    expected = (case.y - t) / (1 + lam)
    bound = ROUNDINGS * EPS[torch.float64] * (case.y.norm() + t.norm()).expand(len(t))
    options: dict[str, Any] = {"curvature": curvature, "damping": lam, "reduction": reduction}
    for as_tensor in (True, False):
        s = arriving(through(newton_loss), case, as_tensor=as_tensor, **options)
        assert_rows_close("the step of half the squared error", s, expected, bound, case.y)


def assert_fixpoint(
    loss_fn: Any,
    outputs: Any,
    *args: Any,
    curvature: str | SupportsNewtonStep = "hessian",
    damping: float | RelativeDamping | None = None,
    outer_damping: float = 1.0,
    reduction: str = "mean",
    newton_loss: NewtonLossFunction = newton_optim.newton_loss,
) -> None:
    r"""The Newton loss of a Newton loss is that Newton loss (`arXiv 2410.19055`_, Sec. 3.2).

    .. math:: s_i(l^\star) = s_i(l) / (1 + λ_{outer})

    because the Hessian of a Newton loss is the identity.

    Args:
        loss_fn: as for :func:`assert_usable`.
        outputs: as for :func:`assert_usable`.
        *args: as for :func:`assert_usable`.
        curvature: of the inner Newton loss.
        damping: of the inner Newton loss.
        outer_damping: λ of the outer one, whose curvature is the Hessian; zero is tried as well.
        reduction: as for :func:`assert_usable`.
        newton_loss: what makes the steps; your own function with this signature, perhaps.

    Raises:
        AssertionError: with the sample and both steps.
        ValueError: if the curvature needs a second derivative that the loss does not have.

    .. _arXiv 2410.19055: https://arxiv.org/abs/2410.19055
    """
    strong = check_nonnegative("outer_damping", outer_damping)
    case = Case.checked(loss_fn, outputs, args, reduction)
    options: dict[str, Any] = {"curvature": curvature, "damping": damping, "reduction": reduction}
    as_tensor = takes_tensors(curvature)
    once = arriving(through(newton_loss), case, as_tensor=as_tensor, **options)
    bound = step_rounding(case, curvature, damping)
    for lam in (0.0, strong):

        def nested(loss: Any, outputs: Any, *args: Any, lam: float = lam, **options: Any) -> Tensor:
            inner = newton_loss(loss, outputs, *args, **options)
            return newton_loss(inner, outputs, damping=lam, reduction=reduction)

        twice = arriving(through(nested), case, as_tensor=as_tensor, **options)
        what = f"the step of the Newton loss, damped by {lam:g}"
        assert_rows_close(what, twice, once / (1 + lam), bound, case.y)


def assert_lemma_2(
    loss_fn: Any,
    outputs: Any,
    *args: Any,
    base: Callable[[list[Tensor]], torch.optim.Optimizer] | None = None,
    reduction: str = "mean",
    wrapper: Callable[..., Any] = newton_optim.NewtonLossOptimizer,
    steps: int = 2,
) -> None:
    """With the identity and no damping, the wrapped optimiser steps as the bare one (Lemma 2).

    The network is the one that returns its parameters, which start at the outputs
    (`arXiv 2410.19055`_).

    Args:
        loss_fn: as for :func:`assert_usable`.
        outputs: as for :func:`assert_usable`.
        *args: as for :func:`assert_usable`.
        base: makes the base optimiser from a list of parameters; SGD with momentum by default.
        reduction: as for :func:`assert_usable`.
        wrapper: called as `wrapper(base, curvature=Identity(), damping=0.0, reduction=reduction)`,
            gives what has `step(closure)`.
        steps: how many are compared.

    Raises:
        AssertionError: with the sample and where both optimisers went.

    .. _arXiv 2410.19055: https://arxiv.org/abs/2410.19055
    """
    make = base or (lambda leaves: torch.optim.SGD(leaves, lr=2.0**-10, momentum=0.9))
    case = Case.checked(loss_fn, outputs, args, reduction)
    bare, wrapped = (
        [part.clone().requires_grad_() for part in case.outputs.parts] for _ in range(2)
    )
    optimizer = make(bare)
    newton = wrapper(make(wrapped), curvature=Identity(), damping=0.0, reduction=reduction)
    g, moved = gradient(case), torch.zeros_like(case.y)
    for _ in range(steps):
        optimizer.zero_grad()
        loss, _ = _outputs_and_loss(case, bare)
        loss.backward()
        optimizer.step()
        newton.step(lambda: _outputs_and_loss(case, wrapped)[::-1])
        moved = moved + case.outputs.join([leaf.detach() for leaf in bare]) - case.y
    ends = [case.outputs.join([leaf.detach() for leaf in leaves]) for leaves in (wrapped, bare)]
    sizes = case.y.norm(dim=1) + moved.norm(dim=1) + 2.0**-10 * g.norm(dim=1)
    bound = ROUNDINGS * EPS[torch.float64] * sizes
    assert_rows_close(f"where {steps} steps lead", ends[0], ends[1], bound, case.y)


def _outputs_and_loss(case: Case, leaves: list[Tensor]) -> tuple[Tensor, Any]:
    outputs = case.outputs.rebuild([leaf * 1 for leaf in leaves])
    loss = case.loss_fn(outputs, *case.copied_args())
    return reduce_loss(loss, case.reduction), outputs


def assert_lemma_3(
    loss_fn: Any,
    outputs: Any,
    *args: Any,
    reduction: str = "mean",
    newton_loss: NewtonLossFunction = newton_optim.newton_loss,
) -> None:
    r"""With N = m = 1, Newton on z and then on θ is Newton on θ at once (Lemma 3).

    .. math:: l'' \nabla_θ l^\star = \nabla_θ (l ∘ f), \qquad
              l'' \nabla_θ^2 l^\star = \nabla_θ^2 (l ∘ f)

    for λ = 0 and the raw Hessian (`arXiv 2410.19055`_). The loss is taken along the line from zero
    to the outputs, where it has one input; f is a small curved function of two parameters.

    Args:
        loss_fn: as for :func:`assert_usable`.
        outputs: as for :func:`assert_usable`.
        *args: as for :func:`assert_usable`.
        reduction: as for :func:`assert_usable`.
        newton_loss: what is tested; your own function with this signature, perhaps.

    Raises:
        AssertionError: with both gradients or both Hessians. Where `l''` is zero to rounding there
            is nothing to compare.

    .. _arXiv 2410.19055: https://arxiv.org/abs/2410.19055
    """
    case = Case.checked(loss_fn, outputs, args, reduction)
    direction = case.y if bool(case.y.any()) else torch.ones_like(case.y)

    def line(t: Tensor) -> Tensor:
        parts = case.outputs.split(case.y + (t - 1) * direction)
        loss = case.loss_fn(case.outputs.rebuild(parts), *case.copied_args())
        return reduce_loss(loss, reduction)

    one = Case.checked(line, case.y.new_ones(1), (), reduction)
    bend, length = float(hessian(one)), float(direction.norm())
    noise = float(rounding(case, hessian).sum()) * length**2
    slope_noise = float(rounding(case, gradient).sum()) * length
    if abs(bend) <= noise:
        return
    expected = _first_and_second(lambda t: line(t) / bend, one)
    raw = Hessian(eigenvalues="raw")
    options: dict[str, Any] = {"curvature": raw, "damping": 0.0, "reduction": reduction}
    actual = _first_and_second(lambda t: newton_loss(line(t), t, **options), one)
    slope = float(gradient(one)) / bend
    # Of l' / l'', times what f contributes.
    limit = one.y.new_full((1,), 8 * (slope_noise + noise * (1 + abs(slope))))
    for kind, a, b in zip(("gradient", "Hessian"), actual, expected, strict=True):
        what = f"the {kind} of the Newton loss by θ, times l''"
        assert_rows_close(what, bend * a, bend * b, limit, case.y.reshape(1, -1))


def _first_and_second(function: Callable[[Tensor], Tensor], one: Case) -> tuple[Tensor, Tensor]:
    """Gradient `(1, 2)` and Hessian `(1, 4)` of a function of t by θ, through a curved t(θ)."""
    theta = one.y.new_zeros(2, requires_grad=True)
    t = 1 + theta[0] - 0.5 * theta[1] + theta[0].square() + (theta[0] * theta[1]).sin()
    try:
        (first,) = torch.autograd.grad(function(t.reshape(1)), theta, create_graph=True)
        rows = [torch.autograd.grad(g, theta, retain_graph=True)[0] for g in first]
    except RuntimeError as error:
        raise UnusableLossError(f"the Newton loss cannot be differentiated: {error}") from error
    return first.detach()[None], torch.stack(rows).detach().reshape(1, -1)
