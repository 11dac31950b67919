"""Poisson's equation: solving it for the charges gives the potential back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import spsolve

from benchmarks.inverse.problems.poisson import PoissonPotential
from tests.benchmarks.inverse.problems.test_sines import sparse_laplacian


def test_a_sparse_solver_inverts_it() -> None:
    problem = PoissonPotential()
    potential = problem.draw(1, torch.Generator().manual_seed(0)).double()
    charges = problem.signals(potential)[0].numpy()
    solved = spsolve(sparse_laplacian(8).tocsc(), charges)
    np.testing.assert_allclose(solved, potential[0], atol=1e-10)


def test_the_spread_of_the_eigenvalues_is_as_stated() -> None:
    eigenvalues = np.linalg.eigvalsh(sparse_laplacian(8).toarray()) ** 2
    assert eigenvalues.max() / eigenvalues.min() == pytest.approx(1034, abs=1)


def test_the_error_is_that_of_the_potential() -> None:
    problem = PoissonPotential(side=3)
    potential = torch.ones(2, 9)
    assert problem.parameter_error(potential + 0.5, potential).tolist() == [0.5, 0.5]
