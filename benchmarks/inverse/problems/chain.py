"""Control of coupled nonlinear oscillators, the first problem of half-inverse gradients.

Schnell, Holl and Thuerey, *Half-Inverse Gradients for Physical Deep Learning* (ICLR 2022), with the
sizes of their published experiments: two oscillators, 96 steps of 0.125.
"""

from __future__ import annotations

import math
from typing import ClassVar, Final

import torch
from torch import Tensor

from benchmarks.inverse.problems.problem import Problem, length

OSCILLATORS: Final = 2
STEPS: Final = 96
STEP: Final = 0.125
FORCE: Final = 3.0


class OscillatorChain(Problem):
    """A force on the last oscillator brings the chain back to the state in which it started.

    With positions x and momenta p,
    `H = Σ (x_i² + p_i²)/2 + Σ (x_{i+1} - x_i)⁴/4 - 3 u(t) x_n`. The outputs are u in each of 96
    intervals; the signals are the state at the end, by the classical Runge-Kutta method. States
    are uniform in the unit cube.
    """

    title: ClassVar[str] = "nonlinear oscillators"
    outputs = STEPS

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """The states at the start, which are also those to be reached: `(x, p)`."""
        return torch.rand(count, 2 * OSCILLATORS, generator=generator)

    def signals(self, truth: Tensor) -> Tensor:
        """The state to be reached."""
        return truth

    def simulate(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The state at the end, `(N, 4)`, from the one that is to be reached."""
        state = targets
        for force in outputs.unbind(-1):
            state = _runge_kutta_step(state, FORCE * force)
        return state

    def parameter_error(self, outputs: Tensor, truth: Tensor) -> Tensor:
        """The distance of the end from the target, over the length of the cube's diagonal."""
        return length(self.simulate(outputs, truth) - truth) / math.sqrt(truth.shape[-1])


def _runge_kutta_step(state: Tensor, force: Tensor) -> Tensor:
    k1 = _velocity(state, force)
    k2 = _velocity(state + STEP / 2 * k1, force)
    k3 = _velocity(state + STEP / 2 * k2, force)
    k4 = _velocity(state + STEP * k3, force)
    return state + STEP / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def _velocity(state: Tensor, force: Tensor) -> Tensor:
    """`(dx/dt, dp/dt)` by Hamilton's equations, for two oscillators."""
    x, p = state[..., :OSCILLATORS], state[..., OSCILLATORS:]
    spring = (x[..., 1] - x[..., 0]) ** 3
    change = torch.stack([spring - x[..., 0], force - spring - x[..., 1]], -1)
    return torch.cat([p, change], -1)
