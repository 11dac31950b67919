"""The dipole against matrix exponentials of its Hamiltonian."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import eigh, expm

from benchmarks.inverse.problems.dipole import POINTS, STEP, STEPS, WIDTH, QuantumDipole

SPACING = WIDTH / (POINTS + 1)
FREE = (2 * np.eye(POINTS) - np.eye(POINTS, k=1) - np.eye(POINTS, k=-1)) / SPACING**2
PLACES = np.diag(SPACING * np.arange(1, POINTS + 1))


def states() -> np.ndarray:
    """The free states as columns, each positive at its first point."""
    vectors = eigh(FREE)[1]
    return vectors * np.sign(vectors[0])


def complex_state(rows: torch.Tensor) -> np.ndarray:
    return rows[..., :POINTS].numpy() + 1j * rows[..., POINTS:].numpy()


def test_the_final_state_is_the_product_of_kicks_and_free_motion() -> None:
    fields = np.random.default_rng(0).normal(size=STEPS)
    psi = states()[:, 0].astype(complex)
    for field in fields:
        kick = expm(-0.5j * STEP * field * PLACES)
        psi = kick @ expm(-1j * STEP * FREE) @ kick @ psi
    found = complex_state(QuantumDipole().final_state(torch.tensor(fields)[None]))[0]
    np.testing.assert_allclose(found, psi, atol=1e-10)
    assert np.linalg.norm(found) == pytest.approx(1.0, abs=1e-12)


def test_the_splitting_is_close_to_the_schroedinger_equation() -> None:
    field = 0.5
    exact = expm(-1j * STEP * STEPS * (FREE + field * PLACES)) @ states()[:, 0]
    outputs = torch.full((1, STEPS), field, dtype=torch.float64)
    found = complex_state(QuantumDipole().final_state(outputs))[0]
    assert abs(np.vdot(exact, found)) ** 2 > 0.999


def test_the_loss_is_the_infidelity() -> None:
    problem = QuantumDipole()
    generator = torch.Generator().manual_seed(0)
    truth = problem.draw(5, generator).double()
    outputs = 3 * torch.randn(5, STEPS, generator=generator).double()
    targets = problem.signals(truth)
    psi = complex_state(problem.final_state(outputs))
    phi = truth.numpy() @ states()[:, 1:3].T
    infidelity = 1 - np.abs((phi * psi).sum(1)) ** 2
    residual = (problem.simulate(outputs, targets) - targets).square().sum(-1)
    np.testing.assert_allclose(residual, infidelity, atol=1e-12)
    np.testing.assert_allclose(problem.parameter_error(outputs, truth), infidelity, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(phi, axis=1), 1.0)
