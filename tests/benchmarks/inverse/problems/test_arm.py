"""Arms against complex numbers, and against the product of exponentials of their joints."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import expm

from benchmarks.inverse.problems.arm import HAND, LINKS, UR5_A, UR5_D, PlanarArm, UR5Arm


def test_the_planar_arm_is_a_sum_of_complex_numbers() -> None:
    angles = torch.randn(6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    directions = np.cumprod(np.exp(1j * angles.numpy()), axis=1)
    hand = directions @ np.array(LINKS)
    np.testing.assert_allclose(PlanarArm().signals(angles), np.stack([hand.real, hand.imag], 1))


def test_the_ur5_stretched_out() -> None:
    pose = UR5Arm().signals(torch.zeros(1, 6, dtype=torch.float64))[0]
    expected = [-0.81725, -0.19145, -0.005491]
    np.testing.assert_allclose(pose[:3], expected, atol=1e-12)
    rotation = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    np.testing.assert_allclose(pose[3:].reshape(3, 3) / HAND, rotation, atol=1e-12)


def exponential_of_joint(axis: np.ndarray, point: np.ndarray, angle: float) -> np.ndarray:
    """The rotation by ``angle`` about the line through ``point`` along ``axis``, 4 × 4."""
    x, y, z = axis
    generator = np.zeros((4, 4))
    generator[:3, :3] = [[0, -z, y], [z, 0, -x], [-y, x, 0]]
    generator[:3, 3] = -generator[:3, :3] @ point
    return np.asarray(expm(angle * generator))


def test_the_ur5_is_the_product_of_the_exponentials_of_its_joints() -> None:
    z, minus_y = np.array([0.0, 0.0, 1.0]), np.array([0.0, -1.0, 0.0])
    shoulder, elbow = UR5_D[0], UR5_A[1]
    wrist = elbow + UR5_A[2]
    axes = [z, minus_y, minus_y, minus_y, -z, minus_y]
    points = [[0, 0, 0], [0, 0, shoulder], [elbow, 0, shoulder], [wrist, 0, shoulder]]
    points += [[wrist, -UR5_D[3], shoulder], [wrist, 0, shoulder - UR5_D[4]]]
    home = np.eye(4)
    home[:3, :3] = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]
    home[:3, 3] = [wrist, -UR5_D[3] - UR5_D[5], shoulder - UR5_D[4]]
    angles = 2 * torch.randn(5, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for found, joints in zip(UR5Arm().signals(angles), angles.tolist(), strict=True):
        pose = np.eye(4)
        for axis, point, angle in zip(axes, points, joints, strict=True):
            pose = pose @ exponential_of_joint(axis, np.array(point, dtype=float), angle)
        pose = pose @ home
        np.testing.assert_allclose(found[:3], pose[:3, 3], atol=1e-12)
        np.testing.assert_allclose(found[3:].reshape(3, 3) / HAND, pose[:3, :3], atol=1e-12)


def test_the_error_is_the_distance_over_the_reach() -> None:
    straight, folded = torch.zeros(1, 4), torch.tensor([[0.0, 0.0, 0.0, torch.pi]])
    assert PlanarArm().parameter_error(folded, straight).item() == pytest.approx(0.5)
    assert PlanarArm().parameter_error(straight, straight).item() == 0
