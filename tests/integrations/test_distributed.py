"""DDP and FSDP2 over two processes, and the distributed checkpoint."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
import torch.multiprocessing as mp
from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel

from newton_optim import EmpiricalFisher, Hessian, NewtonLossOptimizer, newton_loss
from tests.integrations.training import assert_same, make_batch, make_net, make_sgd, wavy
from tests.settings import DEVICE

pytestmark = pytest.mark.skipif(DEVICE.type != "cpu", reason="gloo runs on the CPU")
WORLD = 2
STEPS = 3


def launch(rank: int, worker: Callable[..., None], folder: str, args: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    store = f"file://{os.path.join(folder, 'store')}"
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=WORLD)
    try:
        worker(rank, folder, *args)
    finally:
        dist.destroy_process_group()


def run(worker: Callable[..., None], *args: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(launch, args=(worker, folder, args), nprocs=WORLD)


def share(rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    x, target = make_batch()
    return x[rank::WORLD], target[rank::WORLD]


def make_curvature(name: str, group: Any) -> Any:
    return (
        Hessian(process_group=group) if name == "hessian" else EmpiricalFisher(process_group=group)
    )


def train_whole(name: str, steps: int = STEPS, damping: float | None = None) -> torch.nn.Module:
    """One process with the whole batch."""
    net = make_net()
    curvature = make_curvature(name, None)
    optimizer = make_sgd(net)
    x, target = make_batch()
    for _ in range(steps):
        optimizer.zero_grad()
        newton_loss(wavy, net(x), target, curvature=curvature, damping=damping).backward()
        optimizer.step()
    return net


def assert_ranks_agree(net: torch.nn.Module) -> None:
    for parameter in net.parameters():
        copies = [torch.empty_like(parameter) for _ in range(WORLD)]
        dist.all_gather(copies, parameter.detach())
        assert torch.equal(copies[0], copies[1])


def train_ddp(rank: int, folder: str, name: str, entry_point: str, shared: bool) -> None:
    net = DistributedDataParallel(make_net())
    sgd = make_sgd(net)
    curvature = make_curvature(name, dist.group.WORLD if shared else None)
    x, target = share(rank)
    wrapped = NewtonLossOptimizer(sgd, curvature=curvature)
    for _ in range(STEPS):
        if entry_point == "loss":
            sgd.zero_grad()
            newton_loss(wavy, net(x), target, curvature=curvature).backward()
            sgd.step()
        else:
            wrapped.step(lambda: (net(x), wavy, target))
    assert_ranks_agree(net)
    if shared:
        assert_same(net.module, train_whole(name), tolerance=1e-5)


@pytest.mark.parametrize("entry_point", ["loss", "optimiser"])
@pytest.mark.parametrize("name", ["hessian", "fisher"])
def test_ddp_with_a_shared_curvature_equals_one_process(name: str, entry_point: str) -> None:
    run(train_ddp, name, entry_point, True)


def test_ddp_with_a_local_curvature_keeps_ranks_identical() -> None:
    run(train_ddp, "hessian", "loss", False)


def make_sharded(rank: int) -> tuple[torch.nn.Module, NewtonLossOptimizer]:
    mesh = init_device_mesh("cpu", (WORLD,))
    net = make_net()
    for layer in net:
        if isinstance(layer, torch.nn.Linear):
            fully_shard(layer, mesh=mesh)
    fully_shard(net, mesh=mesh)
    curvature = make_curvature("hessian", dist.group.WORLD)
    return net, NewtonLossOptimizer(make_sgd(net), curvature=curvature, damping=0.3)


def full_parameters(net: torch.nn.Module) -> list[torch.Tensor]:
    return [parameter.full_tensor().detach() for parameter in net.parameters()]


def train_fsdp(rank: int, folder: str) -> None:
    net, optimizer = make_sharded(rank)
    x, target = share(rank)
    optimizer.step(lambda: (net(x), wavy, target))
    model_state, optimizer_state = get_state_dict(net, optimizer)
    dcp.save({"model": model_state, "optimizer": optimizer_state}, checkpoint_id=f"{folder}/dcp")
    optimizer.step(lambda: (net(x), wavy, target))
    expected = full_parameters(net)
    whole = train_whole("hessian", 2, 0.3)
    for got, parameter in zip(expected, whole.parameters(), strict=True):
        torch.testing.assert_close(got, parameter.detach(), rtol=1e-5, atol=1e-5)

    net, optimizer = make_sharded(rank)
    optimizer.damping = 7.0  # the checkpoint's wins
    model_state, optimizer_state = get_state_dict(net, optimizer)
    dcp.load({"model": model_state, "optimizer": optimizer_state}, checkpoint_id=f"{folder}/dcp")
    set_state_dict(net, optimizer, model_state_dict=model_state, optim_state_dict=optimizer_state)
    assert optimizer.damping == 0.3
    optimizer.step(lambda: (net(x), wavy, target))
    for got, want in zip(full_parameters(net), expected, strict=True):
        assert torch.equal(got, want)


def test_fsdp2_and_the_distributed_checkpoint() -> None:
    run(train_fsdp)
