"""How the Fenchel-Young loss calls its solver and draws its noise; precision and compilation."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import Tensor
from torch.func import grad

from newton_optim import NewtonLoss
from tests.settings import DEVICE
from tests.smoothing.smoothing_strategies import best, loss, parts


def test_the_solver_is_called_once() -> None:
    calls = []

    def solver(theta: Tensor) -> Tensor:
        assert not torch.is_grad_enabled()
        assert not theta.requires_grad
        calls.append(theta.shape)
        return best(theta)

    theta = torch.randn(3, 2, 2, requires_grad=True)
    loss(solver)(theta, best(theta.detach())).backward()
    assert theta.grad is not None
    derivatives = loss(solver).derivatives(theta, best(theta.detach()))
    assert derivatives.hessian.shape == (3, 4, 4)
    assert calls == [(12, 2, 2)] * 2


def test_the_noise_is_that_of_the_generator() -> None:
    theta, target = torch.randn(3, 2), torch.eye(2)[[0, 1, 0]]
    generator = torch.Generator(DEVICE).manual_seed(1)
    module = loss(generator=generator, reduction="none")
    first, second = module(theta, target), module(theta, target)
    assert not torch.equal(first, second)
    generator.manual_seed(1)
    assert torch.equal(module(theta, target), first)
    generator.manual_seed(1)
    assert torch.equal(module.derivatives(theta, target).value, first)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype) -> None:
    theta, noise = torch.randn(3, 2).to(dtype), torch.randn(4, 3, 2)
    target = best(theta.float())
    leaf = theta.clone().requires_grad_()
    value = loss(lambda x: best(x).to(dtype))(leaf, target, noise)
    value.backward()
    assert (value.dtype, leaf.grad.dtype) == (torch.float32, dtype)
    expected = loss().derivatives(theta.float(), target, noise)
    torch.testing.assert_close(value, expected.value.mean())
    torch.testing.assert_close(leaf.grad, (expected.gradient / 3).to(dtype))


def test_autocast_changes_nothing() -> None:
    theta, noise = torch.randn(3, 2), torch.randn(4, 3, 2)
    target = best(theta)
    expected = parts(loss().derivatives(theta, target, noise))
    with torch.autocast(DEVICE.type, dtype=torch.bfloat16):
        found = parts(loss().derivatives(theta, target, noise))
        g = grad(loss(reduction="sum"))(theta, target, noise)
    for actual, wanted in zip((*found, g), (*expected, expected[1]), strict=True):
        torch.testing.assert_close(actual, wanted)


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # Dynamo's
def test_a_step_compiles_as_one_graph() -> None:
    torch.compiler.reset()
    theta, target, noise = torch.randn(3, 2), torch.eye(2)[[0, 1, 0]], torch.randn(4, 3, 2)
    newton = NewtonLoss(loss(lambda x: x == x.amax(-1, keepdim=True)))
    results = []
    for function in (newton, torch.compile(newton, fullgraph=True, backend="eager")):
        leaf = theta.clone().requires_grad_()
        function(leaf, target, noise).backward()
        results.append(leaf.grad)
    torch.testing.assert_close(results[1], results[0])


def test_is_a_module() -> None:
    module = loss(generator=torch.Generator(DEVICE))
    theta, target = torch.randn(3, 2), torch.eye(2)[[0, 1, 0]]
    others = copy.deepcopy(module), pickle.loads(pickle.dumps(module))
    expected = module(theta, target)
    assert "sigma=0.5, num_samples=4, maximize=True, reduction='mean'" in repr(module)
    for other in others:
        torch.testing.assert_close(other(theta, target), expected)
