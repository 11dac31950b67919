"""The chain of oscillators against an adaptive integrator."""

from __future__ import annotations

import numpy as np
import torch
from scipy.integrate import solve_ivp

from benchmarks.inverse.problems.chain import FORCE, STEP, STEPS, OscillatorChain


def velocity(t: float, state: np.ndarray, force: float) -> list[float]:
    x1, x2, p1, p2 = state
    return [p1, p2, -x1 + (x2 - x1) ** 3, -x2 - (x2 - x1) ** 3 + force]


def integrated(state: np.ndarray, forces: np.ndarray) -> np.ndarray:
    for force in forces:
        arguments = (FORCE * force,)
        solved = solve_ivp(velocity, (0, STEP), state, args=arguments, rtol=1e-10, atol=1e-12)
        state = solved.y[:, -1]
    return state


def test_it_follows_hamiltons_equations() -> None:
    rng = np.random.default_rng(0)
    state, forces = rng.uniform(size=4), 0.2 * rng.normal(size=STEPS)
    found = OscillatorChain().simulate(torch.tensor(forces)[None], torch.tensor(state)[None])[0]
    # The method of Runge and Kutta, at this step.
    np.testing.assert_allclose(found, integrated(state, forces), atol=2e-3)


def test_energy_is_kept_without_force() -> None:
    def energy(state: torch.Tensor) -> torch.Tensor:
        x1, x2, p1, p2 = state.unbind(-1)
        return (x1**2 + x2**2 + p1**2 + p2**2) / 2 + (x2 - x1) ** 4 / 4

    problem = OscillatorChain()
    state = problem.draw(50, torch.Generator().manual_seed(0)).double()
    end = problem.simulate(torch.zeros(50, STEPS, dtype=torch.float64), state)
    assert not torch.allclose(end, state, atol=0.1)
    torch.testing.assert_close(energy(end), energy(state), rtol=1e-3, atol=0)
