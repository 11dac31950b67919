"""Inverse kinematics: the angles of an arm's joints for a position, or a pose, of its hand.

The angles are not unique: what is measured is how far the hand is from where it should be.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar, Final

import torch
from torch import Tensor

from benchmarks.inverse.problems.problem import Problem, length, uniform

LINKS: Final = (0.25, 0.25, 0.25, 0.25)

# Denavit-Hartenberg parameters of the UR5, series 3, from its maker's manual (Universal Robots,
# User Manual CB3): metres, and α in units of π/2.
UR5_A: Final = (0.0, -0.425, -0.39225, 0.0, 0.0, 0.0)
UR5_D: Final = (0.089159, 0.0, 0.0, 0.10915, 0.09465, 0.0823)
UR5_ALPHA: Final = (1, 0, 0, 1, -1, 0)
# Of a rotation by the hand's orientation: the length in metres that it moves.
HAND: Final = 0.2


class Arm(Problem):
    """An arm whose outputs are the angles of its joints, in radians and without bounds.

    Args:
        joints: their number.
        limit: angles are drawn between ``-limit`` and ``limit``.
        reach: of the arm, in the unit of its signals.
    """

    def __init__(self, joints: int, limit: float, reach: float) -> None:
        self.outputs = joints
        self._limit = torch.full((joints,), limit)
        self._reach = reach

    @abstractmethod
    def signals(self, truth: Tensor) -> Tensor:
        """The hand for angles of the joints; its position comes first."""

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Angles that are uniform between the limits."""
        return uniform(-self._limit, self._limit, count, generator)

    def simulate(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The hand for the angles that the network gives."""
        return self.signals(outputs)

    def parameter_error(self, outputs: Tensor, truth: Tensor) -> Tensor:
        """The distance of the hand from its target, all signals taken, over the reach."""
        return length(self.signals(outputs) - self.signals(truth)) / self._reach


class PlanarArm(Arm):
    """Four joints in a plane: the position of the hand, `(x, y)`, for links of length 1/4."""

    title: ClassVar[str] = "planar arm, 4 joints"

    def __init__(self) -> None:
        super().__init__(joints=len(LINKS), limit=math.pi / 2, reach=sum(LINKS))

    def signals(self, truth: Tensor) -> Tensor:
        """The position of the hand, `(N, 2)`; each angle is relative to the link before."""
        angles = truth.cumsum(-1)
        links = torch.tensor(LINKS, dtype=truth.dtype, device=truth.device)
        return torch.stack([angles.cos() @ links, angles.sin() @ links], -1)


class UR5Arm(Arm):
    """Six joints in space: the pose of the hand of a UR5.

    The signals are the position in metres and the nine entries of the rotation matrix, multiplied
    by 0.2 m: an error of the orientation counts as what it moves at that distance.
    """

    title: ClassVar[str] = "UR5 arm, 6 joints"

    def __init__(self) -> None:
        reach = sum(map(abs, (*UR5_A, *UR5_D)))
        super().__init__(joints=len(UR5_A), limit=math.pi / 2, reach=reach)

    def signals(self, truth: Tensor) -> Tensor:
        """Position and scaled rotation, `(N, 12)`."""
        rotation = torch.eye(3, dtype=truth.dtype, device=truth.device)
        position = truth.new_zeros(3)
        for angle, a, d, alpha in zip(truth.unbind(-1), UR5_A, UR5_D, UR5_ALPHA, strict=True):
            turn, shift = _link(angle, a, d, alpha)
            position = position + (rotation @ shift.unsqueeze(-1)).squeeze(-1)
            rotation = rotation @ turn
        return torch.cat([position, HAND * rotation.flatten(-2)], -1)


def _link(angle: Tensor, a: float, d: float, alpha: int) -> tuple[Tensor, Tensor]:
    """Rotation `Rz(θ) Rx(α)` and shift `(a cos θ, a sin θ, d)` of one joint; α is in π/2."""
    cos, sin = angle.cos(), angle.sin()
    zero = torch.zeros_like(angle)
    # cos α and sin α are exactly 0 or ±1.
    c, s = float(alpha == 0), float(alpha)
    rows = [cos, -c * sin, s * sin, sin, c * cos, -s * cos, zero, zero + s, zero + c]
    rotation = torch.stack(rows, -1).reshape(-1, 3, 3)
    return rotation, torch.stack([a * cos, a * sin, zero + d], -1)
