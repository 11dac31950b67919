"""Two ranks with a part of the batch each make the step of one process with the whole batch."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from newton_optim import EmpiricalFisher, Hessian, newton_target
from tests.settings import DEVICE

SAMPLES = 7  # 2 of them on one rank and 5 on the other
WIDE = 9  # more outputs than samples: the Fisher's (N, N) form


def wavy(y: torch.Tensor) -> torch.Tensor:
    return (y.sin() * y.square().sum(-1, keepdim=True)).sum(-1)


def batch(m: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(SAMPLES, m, generator=generator, dtype=torch.float64)


def curvatures(group: Any) -> list[Any]:
    return [
        Hessian(process_group=group),
        Hessian(eigenvalues="raw", process_group=group),
        Hessian(scope="sample", process_group=group),
        EmpiricalFisher(process_group=group),
        EmpiricalFisher(scope="sample", process_group=group),
    ]


def compare_on_rank(rank: int, file: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=2)
    try:
        for m in (3, WIDE):
            y = batch(m)
            own = slice(0, 2) if rank == 0 else slice(2, None)
            group = dist.group.WORLD
            for shared, whole in zip(curvatures(group), curvatures(None), strict=True):
                step = newton_target(wavy, y[own], curvature=shared)
                expected = newton_target(wavy, y, curvature=whole)[own]
                torch.testing.assert_close(step, expected, rtol=1e-9, atol=1e-9)
        with pytest.raises(ValueError, match="process_group"):
            Hessian(scope="joint", process_group=dist.group.WORLD)
    finally:
        dist.destroy_process_group()


@pytest.mark.skipif(DEVICE.type != "cpu", reason="gloo runs on the CPU")
def test_ranks_share_their_curvature() -> None:
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(compare_on_rank, args=(os.path.join(folder, "store"),), nprocs=2)


@pytest.mark.parametrize("curvature", [Hessian, EmpiricalFisher])
def test_a_process_group_is_one(curvature: Any) -> None:
    with pytest.raises(TypeError, match="process_group must be"):
        curvature(process_group="gloo")


def one_rank(rank: int, file: str) -> None:
    """In this very process, so that coverage sees the code: a group of one changes nothing."""
    dist.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=1)
    try:
        y = batch(3)
        for shared, whole in zip(curvatures(dist.group.WORLD), curvatures(None), strict=True):
            torch.testing.assert_close(
                newton_target(wavy, y, curvature=shared), newton_target(wavy, y, curvature=whole)
            )
        with pytest.raises(ValueError, match="process_group"):
            EmpiricalFisher(scope="joint", process_group=dist.group.WORLD)
    finally:
        dist.destroy_process_group()


@pytest.mark.skipif(DEVICE.type != "cpu", reason="gloo runs on the CPU")
def test_a_group_of_one_changes_nothing() -> None:
    with tempfile.TemporaryDirectory() as folder:
        one_rank(0, os.path.join(folder, "store"))
