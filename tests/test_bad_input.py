"""Every bad argument of the core: a `TypeError` or `ValueError` that names it, nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from newton_optim import (
    EmpiricalFisher,
    GaussNewton,
    Hessian,
    Identity,
    InjectFisher,
    NewtonLoss,
    NewtonLossOptimizer,
    RelativeDamping,
    inject_fisher,
    newton_loss,
    newton_target,
)

NAN, INF = float("nan"), float("inf")


def loss(y: Tensor) -> Tensor:
    """A good loss."""
    return y.reshape(len(y), -1).cosh().sum(dim=1)


def outputs() -> Tensor:
    """Good outputs."""
    return torch.randn(4, 3, requires_grad=True)


def base() -> torch.optim.Optimizer:
    """A good base."""
    return torch.optim.SGD([torch.zeros(2, requires_grad=True)], lr=0.1)


# --- The options that the entry points share --------------------------------------------------

ENTRY_POINTS: dict[str, Callable[..., Any]] = {
    "newton_target": lambda **options: newton_target(loss, outputs(), **options),
    "newton_loss": lambda **options: newton_loss(loss, outputs(), **options),
    "NewtonLoss": lambda **options: NewtonLoss(loss, **options)(outputs()),
    "NewtonLossOptimizer": lambda **options: NewtonLossOptimizer(base(), **options),
}
INJECT_ENTRY_POINTS: dict[str, Callable[..., Any]] = {
    "inject_fisher": lambda **options: inject_fisher(outputs(), **options),
    "InjectFisher": lambda **options: InjectFisher(**options)(outputs()),
}
BAD_OPTIONS: list[tuple[str, Any, type[Exception]]] = [
    ("damping", -1.0, ValueError),
    ("damping", -1e-30, ValueError),
    ("damping", NAN, ValueError),
    ("damping", INF, ValueError),
    ("damping", np.float32(-1), ValueError),
    ("damping", torch.tensor(NAN), ValueError),
    ("damping", "large", TypeError),
    ("damping", 1j, TypeError),
    ("damping", [0.1], TypeError),
    ("damping", torch.ones(2), TypeError),
    ("damping", np.ones(3), TypeError),
    ("damping", torch.tensor(1j), TypeError),
    ("damping", RelativeDamping, TypeError),
    ("reduction", "none", ValueError),
    ("reduction", "Mean", ValueError),
    ("reduction", None, TypeError),
    ("reduction", 1, TypeError),
    ("error_on_nonfinite", "yes", TypeError),
    ("error_on_nonfinite", 1.5, TypeError),
]
BAD_CURVATURES: list[tuple[str, Any, type[Exception]]] = [
    ("curvature", "hessain", ValueError),
    ("curvature", "", ValueError),
    ("curvature", 3, TypeError),
    ("curvature", None, TypeError),
    ("curvature", Hessian, TypeError),
    ("curvature", object(), TypeError),
    ("curvature", loss, TypeError),
]


@pytest.mark.parametrize(("name", "value", "error"), BAD_OPTIONS + BAD_CURVATURES)
@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_bad_options(entry_point: str, name: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=name):
        ENTRY_POINTS[entry_point](**{name: value})


@pytest.mark.parametrize(("name", "value", "error"), BAD_OPTIONS)
@pytest.mark.parametrize("entry_point", INJECT_ENTRY_POINTS)
def test_bad_options_of_inject(
    entry_point: str, name: str, value: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match=name):
        INJECT_ENTRY_POINTS[entry_point](**{name: value})


def test_the_choices_are_listed() -> None:
    with pytest.raises(ValueError, match=r"'hessian'.*'fisher'.*'identity'"):
        newton_target(loss, outputs(), curvature="newton")
    with pytest.raises(ValueError, match=r"'mean'.*'sum'"):
        newton_target(loss, outputs(), reduction="none")


@pytest.mark.parametrize(
    "damping", [1, 0, 0.5, np.float32(0.5), np.int64(2), np.array(0.5), torch.tensor(0.5)]
)
@pytest.mark.parametrize("entry_point", [*ENTRY_POINTS, *INJECT_ENTRY_POINTS])
def test_real_numbers_of_all_kinds_are_dampings(entry_point: str, damping: Any) -> None:
    (ENTRY_POINTS | INJECT_ENTRY_POINTS)[entry_point](damping=damping)


CURVATURES: list[tuple[Callable[..., Any], str, Any, type[Exception]]] = [
    (Hessian, "scope", "all", ValueError),
    (Hessian, "scope", 1, TypeError),
    (Hessian, "eigenvalues", "abs", ValueError),
    (Hessian, "eigenvalues", None, TypeError),
    (Hessian, "chunk_size", 0, ValueError),
    (Hessian, "chunk_size", -2, ValueError),
    (Hessian, "chunk_size", 1.5, TypeError),
    (Hessian, "chunk_size", "2", TypeError),
    (Hessian, "check_independence", "yes", TypeError),
    (EmpiricalFisher, "scope", "all", ValueError),
    (EmpiricalFisher, "scope", 1, TypeError),
    (RelativeDamping, "c", -0.1, ValueError),
    (RelativeDamping, "c", NAN, ValueError),
    (RelativeDamping, "c", INF, ValueError),
    (RelativeDamping, "c", "0.1", TypeError),
    (RelativeDamping, "c", None, TypeError),
    (partial(RelativeDamping, 0.1), "max_step", 0.0, ValueError),
    (partial(RelativeDamping, 0.1), "max_step", INF, ValueError),
    (partial(RelativeDamping, 0.1), "max_step", "1", TypeError),
    (partial(RelativeDamping, 0.1), "shared", 1, TypeError),
]


@pytest.mark.parametrize(("make", "name", "value", "error"), CURVATURES)
def test_bad_options_of_curvatures(
    make: Callable[..., Any], name: str, value: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match=rf"\b{name}\b"):
        make(**{name: value})


@pytest.mark.parametrize(
    "call",
    [
        lambda: Hessian("batch"),
        lambda: EmpiricalFisher("batch"),
        lambda: GaussNewton("batch"),
        lambda: Identity(1.0),
        lambda: NewtonLossOptimizer(base(), "hessian"),
        lambda: NewtonLoss(loss, "hessian"),
        lambda: InjectFisher(1.0),
        lambda: inject_fisher(outputs(), 1.0, "mean"),
    ],
)
def test_what_has_a_default_is_keyword_only(call: Callable[[], Any]) -> None:
    with pytest.raises(TypeError, match=r"positional argument|takes no arguments"):
        call()


# --- Outputs ----------------------------------------------------------------------------------

BAD_OUTPUTS: dict[str, tuple[Any, type[Exception]]] = {
    "integers": (torch.ones(4, 3, dtype=torch.long), TypeError),
    "booleans": (torch.ones(4, 3, dtype=torch.bool), TypeError),
    "complex numbers": (torch.ones(4, 3, dtype=torch.cfloat), TypeError),
    "no samples": (torch.ones(0, 3), ValueError),
    "no dimension": (torch.tensor(1.0), ValueError),
    "an array": (np.ones((4, 3)), TypeError),
    "numbers": ([1.0, 2.0], TypeError),
    "a number": (1.0, TypeError),
    "None": (None, TypeError),
    "a string": ("outputs", TypeError),
    "a set": ({1}, TypeError),
    "an empty tuple": ((), ValueError),
    "an empty list": ([], ValueError),
    "an empty dict": ({}, ValueError),
    "different N": ((torch.ones(4, 3), torch.ones(3, 3)), ValueError),
    "different N in a dict": ({"a": torch.ones(4), "b": torch.ones(3)}, ValueError),
    "an integer among them": ((torch.ones(4, 3), torch.ones(4, dtype=torch.long)), TypeError),
    "no dimension among them": ((torch.ones(4, 3), torch.tensor(1.0)), ValueError),
    "None among them": ({"a": torch.ones(4), "b": None}, TypeError),
}


@pytest.mark.parametrize(("bad", "error"), BAD_OUTPUTS.values(), ids=list(BAD_OUTPUTS))
@pytest.mark.parametrize("curvature", ["hessian", "identity"])
def test_bad_outputs(bad: Any, error: type[Exception], curvature: str) -> None:
    def never(y: Any) -> Tensor:
        raise AssertionError("the outputs are checked first")

    optimizer = NewtonLossOptimizer(base(), curvature=curvature)
    for call in [
        lambda: newton_target(never, bad, curvature=curvature),
        lambda: newton_loss(never, bad, curvature=curvature),
        lambda: NewtonLoss(never, curvature=curvature)(bad),
        lambda: optimizer.backward(bad, never),
        lambda: optimizer.step(lambda: (bad, never)),
    ]:
        with pytest.raises(error, match="outputs"):
            call()


@pytest.mark.parametrize(("bad", "error"), BAD_OUTPUTS.values(), ids=list(BAD_OUTPUTS))
def test_bad_outputs_of_inject(bad: Any, error: type[Exception]) -> None:
    for entry_point in [inject_fisher, InjectFisher()]:
        with pytest.raises(error, match="outputs"):
            entry_point(bad)


# --- Losses -----------------------------------------------------------------------------------

BAD_LOSSES: dict[str, tuple[Callable[[Tensor], Any], type[Exception]]] = {
    "a float": (lambda y: 3.0, TypeError),
    "None": (lambda y: None, TypeError),
    "an array": (lambda y: np.ones(4), TypeError),
    "a tuple": (lambda y: (loss(y), loss(y)), TypeError),
    "integers": (lambda y: torch.ones(4, dtype=torch.long), TypeError),
    "complex": (lambda y: loss(y) * 1j, TypeError),
    "one value an entry": (lambda y: y.square(), ValueError),
    "a column": (lambda y: loss(y)[:, None], ValueError),
    "too few": (lambda y: loss(y)[:3], ValueError),
    "too many": (lambda y: loss(y).repeat(2), ValueError),
    "one in a vector": (lambda y: loss(y).mean().reshape(1), ValueError),
}
