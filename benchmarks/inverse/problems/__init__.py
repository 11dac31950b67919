"""The inverse problems: simulators in PyTorch, one kind per file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from benchmarks.inverse.problems.arm import PlanarArm, UR5Arm
from benchmarks.inverse.problems.bounded import BoundedProblem
from benchmarks.inverse.problems.chain import OscillatorChain
from benchmarks.inverse.problems.decay import IvimDecay, MonoDecay
from benchmarks.inverse.problems.dipole import QuantumDipole
from benchmarks.inverse.problems.oscillator import DampedOscillator
from benchmarks.inverse.problems.poisson import PoissonPotential
from benchmarks.inverse.problems.problem import Problem, Samples
from benchmarks.inverse.problems.wave import WaveSource

__all__ = ["PROBLEMS", "BoundedProblem", "Problem", "Samples", "problem_of"]

PROBLEMS: Final[Mapping[str, type[Problem]]] = {
    "decay": MonoDecay,
    "ivim": IvimDecay,
    "planar-arm": PlanarArm,
    "ur5-arm": UR5Arm,
    "oscillator": DampedOscillator,
    "chain": OscillatorChain,
    "poisson": PoissonPotential,
    "dipole": QuantumDipole,
    "wave": WaveSource,
}


@cache
def problem_of(name: str) -> Problem:
    """The problem of this name, made once."""
    return PROBLEMS[name]()
