"""The kit never flags a correct loss, whatever the outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from newton_optim import EmpiricalFisher, GaussNewton, Hessian, Identity, RelativeDamping, testing
from newton_optim.testing import strategies
from tests.testing.losses import LOSSES, SUMS, M, labels

SHIFT_INVARIANT = {"cross-entropy", "SoftSort", "NeuralSort", "odd-even network"}
WITH_DERIVATIVES = {"with derivatives", "SoftSort", "NeuralSort", "odd-even network"}

everywhere = st.one_of(
    strategies.outputs(m=M, samples=2),
    strategies.tied_outputs(m=M, samples=2),
    strategies.saturated_outputs(m=M, samples=2),
    strategies.wide_outputs(m=M, samples=2, octaves=6),
)
PROPERTIES: list[Callable[..., Any]] = [
    testing.assert_deterministic,
    testing.assert_entry_points_agree,
    testing.assert_descent_direction,
    testing.assert_duplication_invariant,
    testing.assert_finite,
    testing.assert_fixpoint,
    testing.assert_float32_matches_float64,
    testing.assert_inputs_unchanged,
    testing.assert_identity_steps_like_base,
    testing.assert_two_newton_steps_are_one,
    testing.assert_sample_equivariant,
    testing.assert_samples_independent,
    testing.assert_twice_differentiable,
    testing.assert_usable,
]


@pytest.mark.parametrize("check", PROPERTIES, ids=lambda f: f.__name__)
@settings(max_examples=20)
@given(y=everywhere, name=st.sampled_from([*LOSSES, *SUMS]), seed=st.integers(0, 1000))
def test_a_correct_loss_passes(
    check: Callable[..., Any], y: torch.Tensor, name: str, seed: int
) -> None:
    reduction = "sum" if name in SUMS else "mean"
    check({**LOSSES, **SUMS}[name], y, labels(seed, len(y)), reduction=reduction)


@settings(max_examples=20)
@given(everywhere, st.sampled_from(sorted(SHIFT_INVARIANT)), st.integers(0, 1000))
def test_shift_invariant_losses(y: torch.Tensor, name: str, seed: int) -> None:
    testing.assert_shift_invariant(LOSSES[name], y, labels(seed, len(y)))


@settings(max_examples=20)
@given(everywhere, st.sampled_from(sorted(WITH_DERIVATIVES)), st.integers(0, 1000))
def test_losses_that_state_their_derivatives(y: torch.Tensor, name: str, seed: int) -> None:
    testing.assert_derivatives_match(LOSSES[name], y, labels(seed, len(y)))


@settings(max_examples=20)
@given(
    strategies.distinct_outputs(m=M, samples=2),
    st.sampled_from(["MSE", "Huber", "cross-entropy", "SoftSort", "NeuralSort"]),
    st.integers(0, 1000),
)
def test_losses_that_treat_all_coordinates_alike(y: torch.Tensor, name: str, seed: int) -> None:
    one_hot = labels(seed, len(y)).argsort(-1).eq(0).to(y)
    loss = torch.nn.CrossEntropyLoss() if name == "cross-entropy" else LOSSES[name]
    target = one_hot if name == "cross-entropy" else labels(seed, len(y))
    testing.assert_coordinate_equivariant(loss, y, target)


@settings(max_examples=20)
@given(everywhere, st.integers(0, 1000))
def test_padding_that_is_masked_is_ignored(y: torch.Tensor, seed: int) -> None:
    t = labels(seed, len(y))
    mask = t > 0

    def masked(y: torch.Tensor, t: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        squares = torch.where(mask, y - t, 0.0).square()
        return squares.sum(-1) / mask.sum(-1).clamp(min=1)

    testing.assert_padding_ignored(masked, y, t, mask, mask=mask)


@settings(max_examples=20)
@given(everywhere, st.sampled_from(["mean", "sum"]), st.sampled_from([0.0, 0.5]))
def test_mse_collapses(y: torch.Tensor, reduction: str, damping: float) -> None:
    options: Any = {"reduction": reduction, "damping": damping}
    testing.assert_mse_collapse(y, labels(0, len(y)), **options)
    testing.assert_mse_collapse({"a": y, "b": y}, {"a": y - 1, "b": -y}, **options)


CURVATURES = [
    (Hessian(eigenvalues="raw"), RelativeDamping(0.1)),
    (Hessian(scope="sample"), None),
    (Hessian(scope="joint"), None),
    ("fisher", 0.5),
    (EmpiricalFisher(scope="sample"), None),
    (GaussNewton(), None),
    (Identity(), 0.5),
]


@pytest.mark.parametrize(("curvature", "damping"), CURVATURES, ids=str)
@settings(max_examples=4)
@given(y=strategies.distinct_outputs(m=M, samples=3), seed=st.integers(0, 1000))
def test_every_curvature(curvature: Any, damping: Any, y: torch.Tensor, seed: int) -> None:
    loss, t = LOSSES["ComposedLoss"], labels(seed, len(y))
    options = {"curvature": curvature, "damping": damping}
    testing.assert_descent_direction(loss, y, t, **options)
    testing.assert_entry_points_agree(loss, y, t, **options)
    testing.assert_fixpoint(loss, y, t, **options)


def test_structures_of_outputs() -> None:
    """Dicts of tensors pass every property that does not need a single tensor."""
    y = {"a": torch.randn(3, 2), "b": torch.randn(3, 1, 2)}

    def loss(y: dict[str, torch.Tensor]) -> torch.Tensor:
        return y["a"].square().sum(1) * (2 + y["b"].sin().sum((1, 2)))

    for check in PROPERTIES:
        check(loss, y)


def test_arguments_of_one_row_per_sample_are_selected_with_it() -> None:
    y, classes = torch.randn(4, M), torch.tensor([0, 2, 1, 0])
    weights = torch.tensor([1.0, 2.0, 3.0, 4.0])

    def loss(y: torch.Tensor, rest: dict[str, Any]) -> torch.Tensor:
        losses = torch.nn.functional.cross_entropy(y, rest["classes"], reduction="none")
        return losses * rest["weights"][0]

    for check in PROPERTIES:
        check(loss, y, {"classes": classes, "weights": [weights]})


def test_derivatives_that_jump_at_a_tie_are_returned() -> None:
    """NeuralSort's second derivative at a tie is that of neither side."""
    y = torch.zeros(1, M)
    kinks = testing.assert_twice_differentiable(LOSSES["NeuralSort"], y, labels(0, 1))
    assert kinks
