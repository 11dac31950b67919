"""Broken losses and broken wrappers: each is caught by the property that it violates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F

from newton_optim import testing
from tests.testing.broken_losses import (
    batch_statistics,
    changes_outputs,
    changes_target,
    clamped_log,
    cross_entropy_of_one_probability,
    detached_in_second_order,
    detached_padding,
    distances,
    hard_coded_float32,
    hides_a_factor,
    log_of_one_minus,
    masked_after_the_softmax,
    masked_mean,
    overflows,
    probability_ranking,
    random_loss,
    returns_float32,
    second_looks_at_first,
    transposed_ranking,
    weighs_by_coordinate,
    weighs_by_position,
    weighted_by_the_batch,
    wrong_backward,
    zero_hessian,
)
from tests.testing.broken_wrappers import (
    KeepsGradients,
    ScaledIdentity,
    StepsTwice,
    Uphill,
    fixed_target,
    forgets_the_mean,
    no_square,
    scaled_newton_loss,
)
from tests.testing.losses import INDEFINITE, WIDE, T, WithDerivatives, Y, saddle, smooth


@dataclass(frozen=True)
class Mutant:
    """A loss or a wrapper that is wrong, and the property that catches it.

    Args:
        caught_by: the property.
        args: its arguments.
        says: a part of its message, as a regular expression.
        options: its keywords.
    """

    caught_by: Callable[..., Any]
    args: tuple[Any, ...]
    says: str
    options: dict[str, Any] = field(default_factory=dict)


MUTANTS: dict[str, Mutant] = {
    # Losses.
    "mean over a fixed N": Mutant(
        testing.assert_duplication_invariant,
        (lambda y, t: smooth(y, t).sum() / 4, Y, T),
        "with every sample twice",
    ),
    "sum that is said to be a mean": Mutant(
        testing.assert_duplication_invariant,
        (lambda y, t: smooth(y, t).sum(), Y, T),
        "with every sample twice",
    ),
    "1/N²": Mutant(
        testing.assert_duplication_invariant,
        (lambda y, t: smooth(y, t).mean() / len(y), Y, T),
        "with every sample twice",
    ),
    "transposed permutation matrix": Mutant(
        testing.assert_coordinate_equivariant,
        (transposed_ranking, Y, T),
        "coordinates in another order",
    ),
    "binary cross-entropy of probabilities in float32": Mutant(
        testing.assert_float32_matches_float64,
        (cross_entropy_of_one_probability, WIDE, T),
        "float32 gradient",
    ),
    "second derivative of F.binary_cross_entropy": Mutant(
        testing.assert_float32_matches_float64,
        (lambda p: F.binary_cross_entropy(p, torch.ones_like(p)), torch.tensor([[1.0 - 6e-8]])),
        "the float32 Hessian",
    ),
    "ranking loss of probabilities": Mutant(
        testing.assert_float32_matches_float64, (probability_ranking, 5 * Y, T), "float32 gradient"
    ),
    "log(1 - p)": Mutant(testing.assert_finite, (log_of_one_minus, WIDE), "is not finite"),
    "overflow of exp": Mutant(testing.assert_finite, (overflows, 10 * WIDE), "is not finite"),
    "hard-coded float32": Mutant(
        testing.assert_dtype_kept, (hard_coded_float32, Y, T), "computes in float32 for float64"
    ),
    "result in float32": Mutant(
        testing.assert_dtype_kept, (returns_float32, Y, T), "returns float32 for float64 outputs"
    ),
    "log of a clamped probability": Mutant(
        testing.assert_no_dead_zone, (clamped_log, WIDE), "exactly zero .* the loss is lower at"
    ),
    "weighted mean": Mutant(
        testing.assert_batch_invariant, (weighted_by_the_batch, Y, T), "gradient of a sample alone"
    ),
    "NaN at ties": Mutant(
        testing.assert_finite, (distances, torch.tensor([[1.0, 1.0, 2.0]])), "the gradient .* nan"
    ),
    "once_differentiable": Mutant(
        testing.assert_twice_differentiable,
        (zero_hessian, Y),
        "once_differentiable",
    ),
    "detached factor": Mutant(
        testing.assert_twice_differentiable,
        (hides_a_factor, Y, T),
        "the gradient along a direction",
    ),
    "detached in the second order alone": Mutant(
        testing.assert_twice_differentiable,
        (detached_in_second_order, Y),
        "the Hessian times a direction",
    ),
    "wrong backward": Mutant(
        testing.assert_twice_differentiable,
        (wrong_backward, Y),
        "the gradient along a direction",
    ),
    "linear": Mutant(testing.assert_twice_differentiable, (lambda y: y.sum(-1), Y), "linear"),
    "coupling through batch statistics": Mutant(
        testing.assert_samples_independent, (batch_statistics, Y, T), "samples are coupled"
    ),
    "coupling through a shared maximum": Mutant(
        testing.assert_samples_independent,
        (lambda y, t: (smooth(y, t) / smooth(y, t).max()).mean(), Y, T),
        "samples are coupled",
    ),
    "the second sample looks at the first": Mutant(
        testing.assert_samples_independent,
        (partial(second_looks_at_first, first=0), Y[:2]),
        "samples are coupled",
    ),
    "the first sample looks at the second": Mutant(
        testing.assert_samples_independent,
        (partial(second_looks_at_first, first=1), Y[:2]),
        "samples are coupled",
    ),
    "weights by position in the batch": Mutant(
        testing.assert_sample_equivariant, (weighs_by_position, Y, T), "samples in another order"
    ),
    "weights by coordinate": Mutant(
        testing.assert_coordinate_equivariant,
        (weighs_by_coordinate, Y, T),
        "coordinates in another order",
    ),
    "not shift invariant": Mutant(
        testing.assert_shift_invariant, (lambda y: (y.softmax(-1) * y).sum(-1), Y), "shifted"
    ),
    "padding in the normaliser": Mutant(
        testing.assert_padding_ignored,
        (masked_mean, Y, T, T > 0),
        "padding",
        {"mask": T > 0},
    ),
    "padding in a detached normaliser": Mutant(
        testing.assert_padding_ignored,
        (detached_padding, Y, T, T > 0),
        "with other values in the padding",
        {"mask": T > 0},
    ),
    "masked after the softmax": Mutant(
        testing.assert_padding_ignored,
        (masked_after_the_softmax, Y, T > 0),
        "padding",
        {"mask": T > 0},
    ),
    "outputs changed in place": Mutant(
        testing.assert_inputs_unchanged, (changes_outputs, Y, T), "changes outputs in place"
    ),
    "target changed in place": Mutant(
        testing.assert_inputs_unchanged, (changes_target, Y, T), "changes tensor 0 of the arguments"
    ),
    "derivatives: wrong value": Mutant(
        testing.assert_derivatives_match, (WithDerivatives(value=0.5), Y, T), "the value"
    ),
    "derivatives: gradient over N": Mutant(
        testing.assert_derivatives_match, (WithDerivatives(gradient=0.25), Y, T), "the gradient"
    ),
    "derivatives: Hessian without its outer product": Mutant(
        testing.assert_derivatives_match, (WithDerivatives(curvature=0.0), Y, T), "the Hessian"
    ),
    "random": Mutant(testing.assert_deterministic, (random_loss, Y), "second call"),
    "a matrix": Mutant(testing.assert_usable, (lambda y: y.square(), Y), "shape"),
    "raises": Mutant(testing.assert_usable, (lambda y: 1 / 0, Y), "ZeroDivisionError"),
    "no graph": Mutant(testing.assert_usable, (lambda y: y.detach().sum(), Y), "no derivative"),
    # Wrappers.
    "gradient not over N": Mutant(
        testing.assert_mse_collapse, (Y, T), "half the squared", {"newton_loss": forgets_the_mean}
    ),
    "half forgotten": Mutant(
        testing.assert_mse_collapse, (Y, T), "half the squared", {"newton_loss": no_square}
    ),
    "λ counts twice": Mutant(
        testing.assert_mse_collapse,
        (Y, T),
        "half the squared",
        {"curvature": ScaledIdentity(), "damping": 0.5},
    ),
    "Newton loss without a Hessian": Mutant(
        testing.assert_fixpoint, (smooth, Y, T), "Newton loss", {"newton_loss": fixed_target}
    ),
    "Newton loss of another scale": Mutant(
        testing.assert_two_newton_steps_are_one,
        (smooth, Y, T),
        "the gradient of the Newton loss",
        {"newton_loss": partial(scaled_newton_loss, factor=0.5)},
    ),
    "entry point of another scale": Mutant(
        testing.assert_entry_points_agree,
        (smooth, Y, T),
        "the given newton_loss",
        {"newton_loss": forgets_the_mean},
    ),
    "gradients kept": Mutant(
        testing.assert_identity_steps_like_base,
        (smooth, Y, T),
        "2 steps",
        {"wrapper": KeepsGradients},
    ),
    "two steps": Mutant(
        testing.assert_identity_steps_like_base, (smooth, Y, T), "2 steps", {"wrapper": StepsTwice}
    ),
    "uphill": Mutant(
        testing.assert_descent_direction,
        (saddle, INDEFINITE),
        "does not go downhill",
        {"curvature": Uphill(), "damping": 0.1},
    ),
    "wrong sign": Mutant(
        testing.assert_descent_direction,
        (smooth, Y, T),
        "does not go downhill",
        {"newton_loss": partial(scaled_newton_loss, factor=-1.0)},
    ),
}
