"""Samples that do not all have the same outputs: padding dilutes nothing and does not move."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from newton_optim import (
    EmpiricalFisher,
    Hessian,
    Identity,
    LossDerivatives,
    RelativeDamping,
    newton_target,
)
from tests.asserts import as_float64, assert_close, damped_solve
from tests.strategies import positive_dampings, seeds, symmetric

DAMPINGS = st.one_of(positive_dampings, st.sampled_from([RelativeDamping(0.3)]))
HESSIANS = [Hessian(eigenvalues=e) for e in ("absolute", "raw", "clamp")]


class PaddedQuadratic:
    """`½ (y - t)ᵀ A_i (y - t)` on the outputs that are present; the padding holds NaN."""

    def __init__(self, A: Tensor, t: Tensor, present: Tensor) -> None:
        self.A, self.t, self.present = A, t, present

    def __call__(self, y: Tensor) -> Tensor:
        d = torch.where(self.present, y - self.t, 0.0)
        return 0.5 * torch.einsum("ni,nij,nj->n", d, self.A, d)

    def derivatives(self, y: Tensor) -> LossDerivatives:
        p = self.present
        d = torch.where(p, y - self.t, 0.0)
        H = torch.where(p[:, :, None] & p[:, None, :], self.A, 0.0)
        g = torch.einsum("nij,nj->ni", H, d)
        return LossDerivatives(self(y), g, H, present=p)


def problem(seed: int, lengths: list[int], m: int) -> tuple[PaddedQuadratic, Tensor]:
    rng = np.random.default_rng(seed)
    n = len(lengths)
    signs = rng.choice([-1.0, 1.0], size=(n, m))
    A = torch.tensor(symmetric(rng, signs * rng.uniform(0.5, 2.0, size=(n, m))))
    present = torch.tensor([[j < length for j in range(m)] for length in lengths])
    y, t = (torch.tensor(rng.normal(size=(n, m))) for _ in range(2))
    return PaddedQuadratic(A, t, present), y


def reference_matrix(loss: PaddedQuadratic, g: Any, curvature: Any) -> Any:
    """C by the definition: every pair averaged over the samples that have it, entry by entry."""
    p, A = loss.present.numpy(), as_float64(loss.A)
    m = p.shape[1]
    C = np.zeros((m, m))
    for j in range(m):
        for k in range(m):
            both = p[:, j] & p[:, k]
            entries = A[:, j, k] if isinstance(curvature, Hessian) else g[:, j] * g[:, k]
            C[j, k] = entries[both].mean() if both.any() else 0.0
    return C


@given(
    seeds,
    st.lists(st.integers(1, 5), min_size=1, max_size=6),
    st.sampled_from([*HESSIANS, EmpiricalFisher()]),
    DAMPINGS,
)
def test_every_pair_is_averaged_over_the_samples_that_have_it(
    seed: int, lengths: list[int], curvature: Any, damping: Any
) -> None:
    loss, y = problem(seed, lengths, 5)
    g = as_float64(loss.derivatives(y).gradient)
    C = reference_matrix(loss, g, curvature)
    z_star = newton_target(loss, y, curvature=curvature, damping=damping)
    eigenvalues = getattr(curvature, "eigenvalues", "clamp")
    relative = isinstance(damping, RelativeDamping)
    lam = damping.c if relative else damping
    for i, length in enumerate(lengths):
        own = C[:length, :length]
        step = damped_solve(
            own, g[i : i + 1, :length], eigenvalues=eigenvalues, damping=lam, relative=relative
        )
        if eigenvalues != "raw":  # An indefinite matrix may be as good as singular.
            assert_close((y - z_star)[i, :length], step[0])
        assert torch.equal(z_star[i, length:], y[i, length:])


@given(
    seeds,
    st.integers(1, 4),
    st.integers(1, 3),
    st.sampled_from(
        [
            *HESSIANS,
            *(Hessian(scope=s) for s in ("sample", "joint")),
            *(EmpiricalFisher(scope=s) for s in ("batch", "sample", "joint")),
            Identity(),
        ]
    ),
    DAMPINGS,
)
def test_padding_changes_nothing_in_lists_of_one_length(
    seed: int, length: int, padding: int, curvature: Any, damping: Any
) -> None:
    """Shorter lists, padded or not; twice the batch is the batch."""
    loss, y = problem(seed, [length] * 3, length + padding)
    alone = PaddedQuadratic(
        loss.A[:, :length, :length], loss.t[:, :length], loss.present[:, :length]
    )
    if getattr(curvature, "eigenvalues", "") == "raw":
        loss.A, alone.A = loss.A @ loss.A.mT, alone.A @ alone.A.mT
        loss.A[:, :length, :length] = alone.A
    options: Any = {"curvature": curvature, "damping": damping}
    padded = newton_target(loss, y, **options)
    assert_close(padded[:, :length], newton_target(alone, y[:, :length], **options))
    assert torch.equal(padded[:, length:], y[:, length:])
    if getattr(curvature, "scope", "") != "joint":
        twice = PaddedQuadratic(*(torch.cat((x, x)) for x in (loss.A, loss.t, loss.present)))
        assert_close(newton_target(twice, torch.cat((y, y)), **options)[:3], padded)


@pytest.mark.parametrize("curvature", [Hessian(), EmpiricalFisher()], ids=repr)
def test_a_sample_without_any_output_does_not_move(curvature: Any) -> None:
    loss, y = problem(0, [3, 0, 2], 3)
    others, x = problem(0, [3, 0, 2], 3)
    keep = torch.tensor([0, 2])
    others = PaddedQuadratic(others.A[keep], others.t[keep], others.present[keep])
    z_star = newton_target(loss, y, curvature=curvature)
    assert torch.equal(z_star[1], y[1])
    assert_close(z_star[keep], newton_target(others, x[keep], curvature=curvature))


@pytest.mark.parametrize("curvature", [*HESSIANS, EmpiricalFisher()], ids=repr)
def test_no_curvature_at_all_is_the_plain_gradient(curvature: Any) -> None:
    g = torch.tensor([[1.0, 2.0, 0.0], [3.0, 0.0, 0.0]])
    present = g != 0.0
    derivatives = LossDerivatives(torch.zeros(2), g, torch.zeros(2, 3, 3), present=present)
    if isinstance(curvature, Hessian):
        assert torch.equal(curvature.newton_step(derivatives, RelativeDamping(0.1)), g)
    else:
        zero = LossDerivatives(torch.zeros(2), 0.0 * g, present=present)
        assert not curvature.newton_step(zero, RelativeDamping(0.1)).any()


def test_a_custom_curvature_does_not_move_what_is_absent() -> None:
    class Ones:
        needs = "gradient"

        def newton_step(self, derivatives: LossDerivatives, damping: Any) -> Tensor:
            return torch.ones_like(derivatives.gradient)

    loss, y = problem(0, [3, 1], 3)
    assert torch.equal(newton_target(loss, y, curvature=Ones()), y - loss.present.to(y))


@pytest.mark.parametrize("present", [torch.ones(2, 2) > 0, torch.ones(3) > 0, "all"])
def test_a_bad_mask_of_a_loss_is_refused(present: Any) -> None:
    loss, y = problem(0, [3, 1], 3)
    bad = PaddedQuadratic(loss.A, loss.t, loss.present)
    given_ = loss.derivatives(y)
    bad.derivatives = lambda y: LossDerivatives(  # type: ignore[method-assign]
        given_.value, given_.gradient, present=present
    )
    with pytest.raises((TypeError, ValueError), match="present must"):
        newton_target(bad, y, curvature="fisher")
