"""The wave against the exponential of its equation as a first-order system."""

from __future__ import annotations

import numpy as np
import torch
from scipy.linalg import expm

from benchmarks.inverse.problems.wave import TIME, WaveSource
from tests.benchmarks.inverse.problems.test_sines import sparse_laplacian


def test_it_solves_the_wave_equation() -> None:
    side = 4
    problem = WaveSource(side)
    source = problem.draw(2, torch.Generator().manual_seed(0)).double()
    n = side**2
    system = np.zeros((2 * n, 2 * n))
    system[:n, n:] = np.eye(n)
    system[n:, :n] = -sparse_laplacian(side).toarray()
    start = np.concatenate([source.numpy().T, np.zeros((n, 2))])
    field = (expm(TIME * system) @ start)[:n].T
    np.testing.assert_allclose(problem.signals(source), field, atol=1e-10)


def test_it_has_1024_outputs_and_signals() -> None:
    problem = WaveSource()
    assert problem.outputs == 1_024
    assert problem.signals(torch.zeros(1, 1_024)).shape == (1, 1_024)
