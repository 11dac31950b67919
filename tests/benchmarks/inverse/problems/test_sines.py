"""The sine basis: it diagonalises the five-point Laplacian."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sparse
import torch

from benchmarks.inverse.problems.sines import (
    apply_spectral,
    draw_smooth,
    laplacian_eigenvalues,
    sine_matrix,
)


def sparse_laplacian(side: int) -> sparse.csr_matrix:
    """Minus the five-point Laplacian of a grid, with zeros beyond it."""
    one = sparse.diags([-1.0, 2.0, -1.0], [-1, 0, 1], shape=(side, side))
    return sparse.kronsum(one, one).tocsr()


@pytest.mark.parametrize("side", [3, 8])
def test_modes_are_multiplied_as_by_the_sparse_matrix(side: int) -> None:
    fields = torch.randn(4, side**2, generator=torch.Generator().manual_seed(0)).double()
    found = apply_spectral(laplacian_eigenvalues(side), sine_matrix(side), fields)
    np.testing.assert_allclose(found.T, sparse_laplacian(side) @ fields.T.numpy(), atol=1e-12)


def test_the_sine_matrix_is_its_own_inverse() -> None:
    S = sine_matrix(9)
    torch.testing.assert_close(S @ S, torch.eye(9, dtype=S.dtype), rtol=0, atol=1e-14)


def test_smooth_fields_have_mean_square_one() -> None:
    fields = draw_smooth(sine_matrix(8), 4_000, torch.Generator().manual_seed(0))
    assert fields.square().mean().item() == pytest.approx(1.0, rel=0.05)
    grids = fields.unflatten(-1, (8, 8))
    jumps = (grids[:, 1:] - grids[:, :-1]).square().mean()
    assert jumps < 0.4 * grids.square().mean()  # Of independent points: 2.
