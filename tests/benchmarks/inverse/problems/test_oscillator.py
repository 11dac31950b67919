"""The damped oscillator against an integrator of its equation."""

from __future__ import annotations

import numpy as np
import torch
from scipy.integrate import solve_ivp

from benchmarks.inverse.problems.oscillator import TIMES, DampedOscillator


def test_it_solves_its_equation() -> None:
    A, gamma, omega, phi = 1.3, 0.4, 5.0, -0.7
    start = A * np.cos(phi)
    slope = -A * (gamma * np.cos(phi) + omega * np.sin(phi))
    solution = solve_ivp(
        lambda t, x: [x[1], -2 * gamma * x[1] - (omega**2 + gamma**2) * x[0]],
        (0, 3),
        [start, slope],
        t_eval=np.linspace(0, 3, TIMES),
        rtol=1e-10,
        atol=1e-12,
    )
    truth = torch.tensor([[A, gamma, omega, phi]], dtype=torch.float64)
    np.testing.assert_allclose(DampedOscillator().signals(truth)[0], solution.y[0], atol=1e-8)
