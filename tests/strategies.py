"""Strategies that construct what they promise, and losses whose derivatives are known on paper.

Nothing is filtered: a positive definite matrix is made from its eigenvalues, a loss from matrices.
Everything that judges (gradients, Hessians) is NumPy in float64; torch only evaluates the loss.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from hypothesis import strategies as st
from torch import Tensor

import newton_optim
from tests.structures import Array as Array
from tests.structures import Shape as Shape
from tests.structures import flatten as flatten
from tests.structures import leaves as leaves
from tests.structures import map_outputs as map_outputs
from tests.structures import structured as structured
from tests.structures import to_array as to_array
from tests.structures import width_of as width_of

FORMS = ("scalar", "vector", "callable scalar", "callable vector", "derivatives")
ENTRY_POINTS = ("newton_target", "newton_loss", "NewtonLoss", "step", "backward")

seeds = st.integers(0, 2**32 - 1)
dtypes = st.sampled_from([torch.float64, torch.float32])
reductions = st.sampled_from(["mean", "sum"])
dampings = st.sampled_from([0.0, 0.5, 3.0])
positive_dampings = st.sampled_from([0.1, 1.0, 7.0])
treatments = st.sampled_from(["raw", "absolute", "clamp"])


structures = st.sampled_from(
    [
        (),  # a tensor (N,)
        (1,),
        (2,),
        (5,),
        (2, 3),
        ((2,), (1, 3)),  # a tuple of two tensors
        [(), (3,)],
        {"b": (2,), "a": (2, 1)},
    ]
)


class WavyLoss:
    """`½ (y_i - t_i)ᵀ A_i (y_i - t_i) + a Σ_j sin(y_ij)`, called with `(outputs, t, A, a)`."""

    def __call__(self, outputs: Any, target: Tensor, matrix: Tensor, wave: float) -> Tensor:
        y = flatten(outputs)
        d = y - target
        return 0.5 * torch.einsum("ni,nij,nj->n", d, matrix, d) + wave * y.sin().sum(dim=1)


LOSS = WavyLoss()


class WavyLossWithDerivatives(WavyLoss):
    """The same with its derivatives written down; it counts how often it is asked for them."""

    def __init__(self) -> None:
        self.asked = 0

    def derivatives(
        self, outputs: Any, target: Tensor, matrix: Tensor, wave: float
    ) -> newton_optim.LossDerivatives:
        self.asked += 1
        y = flatten(outputs)
        gradient = torch.einsum("nij,nj->ni", matrix, y - target) + wave * y.cos()
        hessian = matrix - wave * torch.diag_embed(y.sin())
        return newton_optim.LossDerivatives(self(outputs, target, matrix, wave), gradient, hessian)


@dataclass(frozen=True)
class Problem:
    """Outputs and a loss on them; `value`, `gradient` and `hessian` are closed forms in float64."""

    outputs: Any
    target: Array
    matrix: Array
    wave: float
    dtype: torch.dtype

    @property
    def y(self) -> Array:
        return to_array(self.outputs)

    @property
    def args(self) -> tuple[Tensor, Tensor, float]:
        target = torch.tensor(self.target, dtype=self.dtype)
        return target, torch.tensor(self.matrix, dtype=self.dtype), self.wave

    @property
    def value(self) -> Array:
        d = self.y - self.target
        value: Array = 0.5 * np.einsum("ni,nij,nj->n", d, self.matrix, d)
        return value + self.wave * np.sin(self.y).sum(axis=1)

    @property
    def gradient(self) -> Array:
        pull: Array = np.einsum("nij,nj->ni", self.matrix, self.y - self.target)
        return pull + self.wave * np.cos(self.y)

    @property
    def hessian(self) -> Array:
        m = self.y.shape[1]
        bend: Array = self.wave * np.sin(self.y)[:, :, None] * np.eye(m)
        return self.matrix - bend

    def taken(self, order: npt.NDArray[np.int64]) -> Problem:
        """The problem with its samples taken in another order (repeated, if `order` repeats)."""
        index = torch.tensor(order)
        outputs = map_outputs(lambda part: part[index], self.outputs)
        return Problem(outputs, self.target[order], self.matrix[order], self.wave, self.dtype)


def rotations(rng: np.random.Generator, n: int, m: int) -> Array:
    """`n` random orthogonal matrices of size `m`."""
    return np.linalg.qr(rng.normal(size=(n, m, m)))[0]


def symmetric(rng: np.random.Generator, eigenvalues: Array) -> Array:
    """Random symmetric matrices `(n, m, m)` with the given eigenvalues `(n, m)`."""
    Q = rotations(rng, *eigenvalues.shape)
    return np.einsum("nij,nj,nkj->nik", Q, eigenvalues, Q)


@st.composite
def matrices(draw: st.DrawFn, *, kind: str = "definite", n: int = 1, m: int | None = None) -> Array:
    """Symmetric matrices `(n, m, m)`: definite, indefinite (|eigenvalues| in 0.5-2) or singular."""
    rng = np.random.default_rng(draw(seeds))
    m = draw(st.integers(1, 6)) if m is None else m
    eigenvalues = rng.uniform(0.5, 2.0, size=(n, m))
    if kind == "indefinite":
        eigenvalues *= rng.choice([-1.0, 1.0], size=(n, m))
    if kind == "singular":
        eigenvalues[:, rng.integers(m)] = 0.0
    return symmetric(rng, eigenvalues)


@st.composite
def problems(
    draw: st.DrawFn,
    *,
    kind: str = "definite",
    dtype: torch.dtype | None = None,
    structure: Any = None,
    max_samples: int = 5,
) -> Problem:
    """Problems of one of these kinds.

    `definite`: every H_i has eigenvalues in about 0.5-3.5, with a part that is not quadratic.
    `quadratic`: the same without that part, so that one Newton step reaches the minimum.
    `indefinite`: every H_i and their mean have eigenvalues of both signs, |eigenvalues| in 0.5-2.
    """
    rng = np.random.default_rng(draw(seeds))
    dtype = draw(dtypes) if dtype is None else dtype
    structure = draw(structures) if structure is None else structure
    n, m = draw(st.integers(1, max_samples)), width_of(structure)
    outputs = structured(rng.normal(size=(n, m)), structure, dtype)
    target = rng.normal(size=(n, m))
    if kind == "indefinite":
        # Shared eigenvectors, per-sample eigenvalues of one sign a column: no mean is near zero.
        Q = rotations(rng, 1, m)[0]
        signs = rng.choice([-1.0, 1.0], size=m)
        eigenvalues = signs * rng.uniform(0.5, 2.0, size=(n, m))
        matrix: Array = np.einsum("ij,nj,kj->nik", Q, eigenvalues, Q)
        return Problem(outputs, target, matrix, 0.0, dtype)
    matrix = symmetric(rng, rng.uniform(1.0, 3.0, size=(n, m)))
    return Problem(outputs, target, matrix, 0.5 if kind == "definite" else 0.0, dtype)


@st.composite
def routes(draw: st.DrawFn) -> tuple[str, str]:
    """An entry point and a form of the loss that it takes (`NewtonLoss` takes callables alone)."""
    entry_point = draw(st.sampled_from(ENTRY_POINTS))
    forms = FORMS[2:] if entry_point == "NewtonLoss" else FORMS
    return entry_point, draw(st.sampled_from(forms))


def reduced(loss: Tensor, reduction: str) -> Tensor:
    """The mean or the sum."""
    return loss.mean() if reduction == "mean" else loss.sum()


def given_as(
    form: str, function: Callable[..., Tensor], outputs: Any, args: tuple[Any, ...], reduction: str
) -> tuple[Any, tuple[Any, ...]]:
    """`(loss, args)` for an entry point: the per-sample loss `function` in one of the `FORMS`."""
    if form == "scalar":
        return reduced(function(outputs, *args), reduction), ()
    if form == "vector":
        return function(outputs, *args), ()
    if form == "callable scalar":
        return lambda y, *rest: reduced(function(y, *rest), reduction), args
    if form == "callable vector":
        return lambda y, *rest: function(y, *rest), args
    return WavyLossWithDerivatives(), args


def arriving_gradient(
    entry_point: str,
    form: str,
    outputs: Any,
    function: Callable[..., Tensor],
    args: tuple[Any, ...] = (),
    *,
    reduction: str = "mean",
    **options: Any,
) -> Array:
    """The gradient `(N, m)` that reaches the network, for a per-sample loss `function`."""
    parameters = map_outputs(lambda part: part.detach().clone().requires_grad_(), outputs)
    y = map_outputs(lambda part: part * 1, parameters)
    loss, args = given_as(form, function, y, args, reduction)
    options = {**options, "reduction": reduction}
    if entry_point == "newton_target":
        z_star = to_array(newton_optim.newton_target(loss, y, *args, **options))
        with np.errstate(invalid="ignore"):  # ∞ - ∞, where an output is infinite.
            step: Array = to_array(y) - z_star
        return step / len(step) if reduction == "mean" else step
    if entry_point == "newton_loss":
        newton_optim.newton_loss(loss, y, *args, **options).backward()
    elif entry_point == "NewtonLoss":
        newton_optim.NewtonLoss(loss, **options)(y, *args).backward()
    else:
        base = torch.optim.SGD(leaves(parameters), lr=1.0)
        optimizer = newton_optim.NewtonLossOptimizer(base, **options)
        if entry_point == "step":
            optimizer.step(lambda: (y, loss, *args))
        else:
            optimizer.backward(y, loss, *args)
    return to_array(map_outputs(lambda part: _gradient_of(part), parameters))


def arriving(problem: Problem, route: tuple[str, str], **options: Any) -> Array:
    """The gradient that reaches the network, brought to the per-sample scale."""
    step = arriving_gradient(*route, problem.outputs, LOSS, problem.args, **options)
    return step * len(step) if options.get("reduction", "mean") == "mean" else step


def _gradient_of(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


def injected_gradient(
    outputs: Any, function: Callable[[Any], Tensor], *, reduction: str = "mean", **options: Any
) -> Array:
    """The gradient that reaches the network through `inject_fisher` under a plain reduced loss."""
    parameters = map_outputs(lambda part: part.detach().clone().requires_grad_(), outputs)
    y = map_outputs(lambda part: part * 1, parameters)
    injected = newton_optim.inject_fisher(y, reduction=reduction, **options)
    reduced(function(injected), reduction).backward()
    return to_array(map_outputs(lambda part: _gradient_of(part), parameters))
