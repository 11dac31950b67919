"""Losses, derivatives, curvatures and closures of the wrong kind or shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from newton_optim import (
    LossDerivatives,
    NewtonLoss,
    NewtonLossOptimizer,
    inject_fisher,
    newton_loss,
    newton_target,
)
from tests.test_bad_input import BAD_LOSSES, base, loss, outputs


@pytest.mark.parametrize(("bad", "error"), BAD_LOSSES.values(), ids=list(BAD_LOSSES))
@pytest.mark.parametrize("curvature", ["hessian", "fisher", "identity"])
@pytest.mark.parametrize("form", ["tensor", "callable"])
def test_bad_losses(
    bad: Callable[[Tensor], Any], error: type[Exception], curvature: str, form: str
) -> None:
    y = outputs()
    with pytest.raises(error, match="loss"):
        newton_target(bad(y) if form == "tensor" else bad, y, curvature=curvature)
    with pytest.raises(error, match="loss"):
        newton_loss(bad(y) if form == "tensor" else bad, y, curvature=curvature)


@pytest.mark.parametrize("terms", [lambda y: {"a": loss(y)}, lambda y: [loss(y), loss(y)]])
def test_several_terms_are_told_to_be_summed(terms: Callable[[Tensor], Any]) -> None:
    with pytest.raises(TypeError, match="return the weighted sum"):
        newton_target(terms, outputs())


@pytest.mark.parametrize("bad", [None, 3.0, "mse", loss(torch.ones(2, 2))])
def test_newton_loss_modules_take_callables(bad: Any) -> None:
    with pytest.raises(TypeError, match="loss_fn"):
        NewtonLoss(bad)


@pytest.mark.parametrize("curvature", ["hessian", "fisher", "identity"])
@pytest.mark.parametrize("cut", ["detached", "no_grad", "constant"])
def test_losses_without_a_graph(curvature: str, cut: str) -> None:
    y = outputs()
    with torch.no_grad():
        without = loss(y)
    cut_loss = {"detached": loss(y).detach(), "no_grad": without, "constant": torch.ones(4)}[cut]
    for entry_point in [newton_target, newton_loss]:
        with pytest.raises(ValueError, match=r"loss|outputs"):
            entry_point(cut_loss, y, curvature=curvature)


def test_a_tensor_loss_takes_no_arguments() -> None:
    y = torch.randn(4, 3, requires_grad=True)
    with pytest.raises(TypeError, match="loss must be a callable when further arguments"):
        newton_target(loss(y), y, torch.zeros(4, 3))


def test_a_tensor_loss_of_outputs_without_gradients() -> None:
    y = torch.randn(4, 3)
    with pytest.raises(ValueError, match=r"outputs|loss"):
        newton_target(loss(y), y)


# --- Derivatives and curvatures of the user ---------------------------------------------------


class Custom:
    """A loss whose `derivatives` returns what it is given."""

    def __init__(self, result: Any) -> None:
        self.result = result

    def __call__(self, y: Tensor) -> Tensor:
        return loss(y)

    def derivatives(self, y: Tensor) -> Any:
        return self.result()


def parts(**changes: Any) -> Any:
    """Derivatives of N = 4, m = 3, some of them replaced."""
    good = {
        "value": torch.ones(4),
        "gradient": torch.ones(4, 3),
        "hessian": torch.eye(3).expand(4, 3, 3),
    }
    return LossDerivatives(**{**good, **changes})


BAD_DERIVATIVES: list[tuple[str, Callable[[], Any], type[Exception]]] = [
    ("derivatives", lambda: None, TypeError),
    ("derivatives", lambda: (torch.ones(4), torch.ones(4, 3), None), TypeError),
    ("value", lambda: parts(value=torch.ones(())), ValueError),
    ("value", lambda: parts(value=torch.ones(3)), ValueError),
    ("value", lambda: parts(value=torch.ones(4, 1)), ValueError),
    ("value", lambda: parts(value=1.0), TypeError),
    ("gradient", lambda: parts(gradient=torch.ones(4)), ValueError),
    ("gradient", lambda: parts(gradient=torch.ones(4, 2)), ValueError),
    ("gradient", lambda: parts(gradient=torch.ones(4, 3, 1)), ValueError),
    ("gradient", lambda: parts(gradient=None), TypeError),
    ("hessian", lambda: parts(hessian=torch.eye(3)), ValueError),
    ("hessian", lambda: parts(hessian=torch.ones(4, 3)), ValueError),
    ("hessian", lambda: parts(hessian=torch.ones(3, 3, 3)), ValueError),
    ("hessian", lambda: parts(hessian=torch.ones(4, 3, 4)), ValueError),
    ("hessian", lambda: parts(hessian=lambda: torch.eye(3)), ValueError),
    ("hessian", lambda: parts(hessian="H"), TypeError),
    ("hessian", lambda: parts(hessian=lambda: None), TypeError),
]


@pytest.mark.parametrize(("name", "result", "error"), BAD_DERIVATIVES)
def test_bad_derivatives(name: str, result: Callable[[], Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=name):
        newton_target(Custom(result), outputs())


class Own:
    """A user's curvature that returns what it is given."""

    def __init__(self, result: Any) -> None:
        self.result = result

    def newton_step(self, derivatives: LossDerivatives, damping: Any) -> Any:
        return self.result


@pytest.mark.parametrize(
    ("result", "error"),
    [
        (None, TypeError),
        (3.0, TypeError),
        (torch.ones(3), ValueError),
        (torch.ones(3, 4), ValueError),
        (torch.ones(4, 3, 1), ValueError),
        (torch.ones(()), ValueError),
    ],
)
def test_bad_newton_steps(result: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="newton_step"):
        newton_target(loss, outputs(), curvature=Own(result), damping=1.0)


# --- The optimiser and inject_fisher ----------------------------------------------------------


@pytest.mark.parametrize(
    "bad", [None, 3, "adam", torch.optim.Adam, torch.nn.Linear(2, 2), object()]
)
def test_a_base_is_an_optimizer(bad: Any) -> None:
    with pytest.raises(TypeError, match="base"):
        NewtonLossOptimizer(bad)


@pytest.mark.parametrize("scale", ["large", None, 1j, [1.0]])
def test_bad_scales(scale: Any) -> None:
    optimizer = NewtonLossOptimizer(base())
    with pytest.raises(TypeError, match="scale"):
        optimizer.backward(outputs(), loss, scale=scale)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize("as_tensor", [False, True])
def test_scales_that_are_not_finite(number: float, as_tensor: bool) -> None:
    optimizer = NewtonLossOptimizer(base())
    with pytest.raises(ValueError, match="scale must be finite"):
        optimizer.backward(outputs(), loss, scale=torch.tensor(number) if as_tensor else number)


@pytest.mark.parametrize("bad", ["large", 1j, [1.0]])
def test_bad_scales_of_inject(bad: Any) -> None:
    with pytest.raises(TypeError, match="grad_scale"):
        inject_fisher(outputs(), grad_scale=bad)


def test_outputs_without_gradients_cannot_be_stepped() -> None:
    """`backward` with nothing to send gradients to says so rather than do nothing."""
    optimizer = NewtonLossOptimizer(base())
    with pytest.raises(ValueError, match="outputs"):
        optimizer.backward(torch.randn(4, 3), loss)


def test_a_failing_loss_keeps_its_own_error() -> None:
    def failing(y: Tensor) -> Tensor:
        raise KeyError("of the user")

    with pytest.raises(KeyError, match="of the user"):
        newton_target(failing, outputs())
