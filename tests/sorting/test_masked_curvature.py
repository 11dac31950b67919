"""One curvature for lists of different lengths: each pair of coordinates over those that have it.

With `p_i` the coordinates that sample i has, and `A_i` its Hessian or the outer product of its
gradient,

    C_ab = Σ_i p_ia p_ib A_i,ab / Σ_i p_ia p_ib     (0 where no sample has both)
    s_i  = (C restricted to p_i + λ I)⁻¹ g_i        (0 where i has no coordinate)

and a relative λ is relative to the mean eigenvalue of what is inverted. Means over different
samples need not be positive semi-definite together, not even those of outer products: a Fisher has
its negative eigenvalues clamped.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from newton_optim import (
    EmpiricalFisher,
    Hessian,
    NewtonLoss,
    NewtonLossOptimizer,
    RelativeDamping,
    newton_target,
)
from newton_optim.sorting import NeuralSort, RankingLoss, SoftSort
from tests.asserts import as_float64, hessian_of, treated
from tests.strategies import Array

LOSSES = [RankingLoss(SoftSort(temperature=1.0)), RankingLoss(NeuralSort(temperature=2.0))]
CURVATURES = [
    Hessian(),
    Hessian(eigenvalues="clamp"),
    Hessian(eigenvalues="raw"),
    EmpiricalFisher(),
]
DAMPINGS = [1.0, RelativeDamping(0.5)]
LENGTHS = torch.tensor([5, 3, 4, 2, 5, 3, 1, 0])

losses = pytest.mark.parametrize("loss", LOSSES, ids=["SoftSort", "NeuralSort"])
curvatures = pytest.mark.parametrize("curvature", CURVATURES, ids=repr)
dampings = pytest.mark.parametrize("damping", DAMPINGS, ids=repr)


def batch(n: int, lengths: Tensor = LENGTHS) -> tuple[Tensor, Tensor, Tensor]:
    """Scores, labels and mask of lists that are padded to `n`."""
    generator = torch.Generator().manual_seed(1)
    drawn = torch.randn(2, len(lengths), 5, generator=generator, dtype=torch.float64, device="cpu")
    scores, labels = torch.zeros(2, len(lengths), n, dtype=torch.float64)
    scores[:, : min(n, 5)], labels[:, : min(n, 5)] = drawn[..., : min(n, 5)].to(scores.device)
    return scores, labels, torch.arange(n) < lengths.unsqueeze(-1)


def target(loss: Any, inputs: tuple[Tensor, Tensor, Tensor], **options: Any) -> Tensor:
    """z* of a padded batch."""
    scores, labels, mask = inputs
    z_star: Tensor = newton_target(partial(loss, mask=mask), scores, labels, **options)
    return z_star


def dense_steps(loss: Any, inputs: tuple[Tensor, Tensor, Tensor], options: Any) -> Array:
    """The steps by loops over samples."""
    scores, labels, mask = inputs
    curvature, damping = options["curvature"], options["damping"]
    found, p = loss.derivatives(scores, labels, mask=mask), mask.cpu().numpy()
    g, A = as_float64(found.gradient), as_float64(hessian_of(found))
    if isinstance(curvature, EmpiricalFisher):
        A = g[:, :, None] * g[:, None, :]
    count = (p[:, :, None] & p[:, None, :]).sum(0)
    C = A.sum(0) / np.maximum(count, 1)
    steps = np.zeros_like(g)
    for i, own in enumerate(p):
        if own.any():
            C_i = treated(C[np.ix_(own, own)], getattr(curvature, "eigenvalues", "clamp"))
            size = np.linalg.eigvalsh(C_i)
            raw = getattr(curvature, "eigenvalues", None) == "raw"
            mean = np.sqrt((size**2).mean()) if raw else size.mean()
            lam = damping if isinstance(damping, float) else damping.resolve(mean)
            steps[i, own] = np.linalg.solve(C_i + lam * np.eye(own.sum()), g[i, own])
    return steps


@losses
@curvatures
@dampings
def test_each_pair_is_averaged_over_the_lists_that_have_it(
    loss: Any, curvature: Any, damping: Any
) -> None:
    inputs, options = batch(5), {"curvature": curvature, "damping": damping}
    step = as_float64(inputs[0] - target(loss, inputs, **options))
    np.testing.assert_allclose(step, dense_steps(loss, inputs, options), rtol=1e-7, atol=1e-9)


@losses
@curvatures
def test_more_padding_changes_nothing(loss: Any, curvature: Any) -> None:
    lengths = torch.full((6,), 3)
    narrow, wide = batch(3, lengths), batch(7, lengths)
    damping = RelativeDamping(0.5)
    alone = target(loss, narrow, curvature=curvature, damping=damping)
    z_star = target(loss, wide, curvature=curvature, damping=damping)
    assert torch.allclose(z_star[:, :3], alone, rtol=1e-7, atol=1e-9)


@losses
@curvatures
@dampings
def test_duplicates_change_nothing(loss: Any, curvature: Any, damping: Any) -> None:
    scores, labels, mask = batch(5)
    once = target(loss, (scores, labels, mask), curvature=curvature, damping=damping)
    twice = target(
        loss, tuple(part.repeat(2, 1) for part in (scores, labels, mask)),
        curvature=curvature, damping=damping,
    )  # fmt: skip
    torch.testing.assert_close(twice, once.repeat(2, 1), rtol=1e-7, atol=1e-9)


@losses
@curvatures
def test_absent_coordinates_stay_where_they_are(loss: Any, curvature: Any) -> None:
    scores, labels, mask = batch(5)
    z_star = target(loss, (scores, labels, mask), curvature=curvature)
    assert torch.equal(z_star[~mask], scores[~mask])


@losses
@curvatures
def test_padding_that_is_not_finite_does_not_hold_a_list_back(loss: Any, curvature: Any) -> None:
    scores, labels, mask = batch(5)
    expected = target(loss, (scores, labels, mask), curvature=curvature)
    spoilt = torch.where(mask, scores, torch.nan)
    z_star = target(loss, (spoilt, labels, mask), curvature=curvature)
    assert torch.equal(z_star[mask], expected[mask])


@losses
def test_each_list_on_its_own_curvature(loss: Any) -> None:
    # Under scope "sample" with an absolute λ, zero rows and columns have no effect.
    scores, labels, mask = batch(5)
    curvature = Hessian(scope="sample")
    z_star = target(loss, (scores, labels, mask), curvature=curvature, damping=0.5)
    for row, own in enumerate(mask):
        if own.any():
            s, t = scores[row : row + 1, own], labels[row : row + 1, own]
            alone = newton_target(loss, s, t, curvature=curvature, damping=0.5)
            torch.testing.assert_close(z_star[row : row + 1, own], alone, rtol=1e-7, atol=1e-9)
    torch.testing.assert_close(z_star[~mask], scores[~mask], rtol=0, atol=0)


@losses
@pytest.mark.parametrize("curvature", [*CURVATURES, Hessian(scope="sample")], ids=repr)
def test_every_entry_point_takes_padding_that_is_not_finite(loss: Any, curvature: Any) -> None:
    scores, labels, mask = batch(5)
    scores = torch.where(mask, scores, torch.nan)
    masked = partial(loss, mask=mask)
    step = scores - newton_target(masked, scores, labels, curvature=curvature)
    expected = torch.where(mask, step, 0.0) / len(scores)

    y = scores.clone().requires_grad_()
    value = NewtonLoss(loss, curvature=curvature)(y, labels, mask=mask)
    value.backward()
    torch.testing.assert_close(y.grad, expected)
    torch.testing.assert_close(value.detach(), loss(scores, labels, mask=mask))

    base = torch.optim.SGD([y], lr=1.0)
    optimizer = NewtonLossOptimizer(base, curvature=curvature)
    optimizer.step(lambda: (y * 1, masked, labels))
    assert not optimizer.diagnostics["nonfinite_samples"]
    torch.testing.assert_close(y.detach()[mask], (scores - expected)[mask])
