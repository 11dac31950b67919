"""The Hessian as curvature, called without a door."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from newton_optim import Hessian, Identity, LossDerivatives, RelativeDamping, newton_target
from tests.asserts import as_float64


def derivatives(n: int = 4, m: int = 3) -> LossDerivatives:
    H = torch.randn(n, m, m, dtype=torch.float64)
    return LossDerivatives(torch.zeros(n), torch.randn(n, m, dtype=torch.float64), (H + H.mT) / 2)


def test_a_curvature_may_be_called_on_its_own() -> None:
    given = derivatives()
    assert given.hessian is not None
    C = as_float64(given.hessian).mean(0)
    w, Q = np.linalg.eigh(C)
    lam = 0.1 * np.abs(w).mean()
    expected = as_float64(given.gradient) @ (Q / (np.abs(w) + lam)) @ Q.T
    np.testing.assert_allclose(as_float64(Hessian().newton_step(given)), expected, rtol=1e-9)


def test_a_closed_form_joint_hessian_is_block_diagonal() -> None:
    given = derivatives()
    joint = Hessian(scope="joint", eigenvalues="raw").newton_step(given, 0.7)
    single = Hessian(scope="sample", eigenvalues="raw").newton_step(given, 0.7)
    torch.testing.assert_close(joint, single)


def test_the_hessian_is_computed_once_and_only_when_asked_for() -> None:
    calls: list[int] = []

    def hessian() -> torch.Tensor:
        calls.append(1)
        return torch.eye(3).expand(4, 3, 3)

    given = LossDerivatives(torch.zeros(4), torch.ones(4, 3), hessian)
    Identity().newton_step(given)
    assert not calls
    Hessian().newton_step(given)
    Hessian(scope="sample").newton_step(given)
    assert len(calls) == 1


def test_without_a_hessian_there_is_no_step() -> None:
    given = LossDerivatives(torch.zeros(4), torch.ones(4, 3))
    assert given.hessian is None
    with pytest.raises(ValueError, match="derivatives must have a Hessian"):
        Hessian().newton_step(given)
    with pytest.raises(ValueError, match="no Hessian"):
        Hessian(scope="joint").newton_step(given)


@pytest.mark.parametrize("eigenvalues", ["raw", "absolute", "clamp"])
@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_a_relative_damping_does_not_know_the_scale_of_the_loss(
    eigenvalues: str, scale: float
) -> None:
    given = derivatives()
    assert given.hessian is not None
    scaled = LossDerivatives(given.value, given.gradient * scale, given.hessian * scale)
    curvature = Hessian(eigenvalues=eigenvalues)
    torch.testing.assert_close(
        curvature.newton_step(scaled, RelativeDamping(0.3)),
        curvature.newton_step(given, RelativeDamping(0.3)),
    )


def test_raw_may_go_uphill_where_absolute_does_not() -> None:
    """The default is not the paper's, and this is why."""
    given = LossDerivatives(torch.zeros(1), torch.tensor([[1.0]]), torch.tensor([[[-2.0]]]))
    raw = Hessian(eigenvalues="raw").newton_step(given, 0.1)
    absolute = Hessian().newton_step(given, 0.1)
    assert raw < 0 < absolute


def test_chunks_are_what_vmap_sees() -> None:
    """A loss of many outputs, a few columns at a time."""
    y = torch.randn(2, 6, dtype=torch.float64)
    loss = lambda y: (y.prod(-1) + y.pow(4).sum(-1)).cos()  # noqa: E731
    whole = newton_target(loss, y, curvature=Hessian())
    for size in (1, 4, 7):
        torch.testing.assert_close(
            newton_target(loss, y, curvature=Hessian(chunk_size=size)), whole
        )


def test_repr_names_the_options() -> None:
    text = repr(Hessian(scope="sample", eigenvalues="raw"))
    assert "scope='sample'" in text
    assert "eigenvalues='raw'" in text


@pytest.mark.parametrize("eigenvalues", ["absolute", "clamp"])
def test_a_small_damping_still_damps(eigenvalues: str) -> None:
    """λ far below the rounding of the largest eigenvalue is no reason to fall back."""
    H = torch.diag(torch.tensor([1e10, 0.0])).expand(2, 2, 2)
    given = LossDerivatives(torch.zeros(2), torch.tensor([[1e10, 1.0], [0.0, 3.0]]), H)
    step = Hessian(eigenvalues=eigenvalues).newton_step(given, 0.5)
    torch.testing.assert_close(step, torch.tensor([[1.0, 2.0], [0.0, 6.0]]))
