"""How stochastic smoothing calls its function and draws its noise; precision and compilation."""

from __future__ import annotations

import copy
import pickle
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import grad, vmap

from newton_optim import NewtonLoss
from newton_optim.smoothing import StochasticSmoothing
from tests.settings import DEVICE
from tests.smoothing.smoothing_strategies import parts, sign, smoothed


@pytest.mark.parametrize(("control_variate", "rows"), [(True, 15), (False, 12)])
def test_the_function_is_called_once(control_variate: bool, rows: int) -> None:
    calls = []

    def box(x: Tensor, labels: Tensor, name: str) -> Tensor:
        assert not torch.is_grad_enabled()
        assert not x.requires_grad
        assert name == "an option"
        assert torch.equal(labels, torch.tensor([3, 5, 7]).repeat(rows // 3))
        calls.append(x.shape)
        return x.amax(dim=(1, 2)).floor()

    module = smoothed(box, control_variate=control_variate)
    y = torch.randn(3, 2, 2, requires_grad=True)
    module(y, torch.tensor([3, 5, 7]), "an option").sum().backward()
    assert calls == [(rows, 2, 2)]
    assert y.grad is not None
    derivatives = module.derivatives(y, torch.tensor([3, 5, 7]), "an option")
    assert derivatives.hessian.shape == (3, 4, 4)
    assert calls == [(rows, 2, 2)] * 2


def test_the_noise_is_that_of_the_generator() -> None:
    y, generator = torch.randn(3, 2), torch.Generator(DEVICE).manual_seed(1)
    module = smoothed(lambda x: x.sum(-1), generator=generator)
    first, second = module(y), module(y)
    assert not torch.equal(first, second)
    generator.manual_seed(1)
    assert torch.equal(module(y), first)
    generator.manual_seed(1)
    assert torch.equal(module.derivatives(y).value, first)
    state = torch.get_rng_state()
    module(y)
    assert torch.equal(torch.get_rng_state(), state)
    assert smoothed(lambda x: x[:, 0])(torch.zeros(5, 1)).unique().numel() == 5  # A row, a noise.


def test_the_default_noise_is_that_of_pytorch() -> None:
    y, module = torch.randn(3, 2), smoothed(lambda x: x.sum(-1))
    torch.manual_seed(3)
    first = module(y)
    torch.manual_seed(3)
    assert torch.equal(module(y), first)


def test_under_vmap_the_noise_is_given_or_random_on_request() -> None:
    y, module = torch.randn(2, 3, 2), smoothed(lambda x: x.sum(-1))
    with pytest.raises(ValueError, match="pass it as noise_samples") as info:
        vmap(module)(y)
    assert isinstance(info.value.__cause__, RuntimeError)
    different = vmap(module, randomness="different")(torch.zeros(2, 3, 2))
    assert different.unique().numel() == 6
    noise = torch.randn(4, 3, 2)
    given = vmap(lambda y: module(y, noise_samples=noise))(y)
    torch.testing.assert_close(given[1], module(y[1], noise_samples=noise))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype) -> None:
    y, noise = torch.randn(3, 2).to(dtype), torch.randn(4, 3, 2)
    seen = []

    def box(x: Tensor) -> Tensor:
        seen.append(x.dtype)
        return sign(x).to(dtype)

    half, wide = smoothed(box), smoothed(sign)
    leaf = y.clone().requires_grad_()
    value = half(leaf, noise_samples=noise)
    value.sum().backward()
    assert (value.dtype, leaf.grad.dtype, seen[0]) == (torch.float32, dtype, torch.float32)
    expected = wide.derivatives(y.float(), noise_samples=noise)
    torch.testing.assert_close(value, expected.value)
    torch.testing.assert_close(leaf.grad, expected.gradient.to(dtype))
    torch.testing.assert_close(
        half.derivatives(y, noise_samples=noise.double()).hessian, expected.hessian
    )


def test_autocast_changes_nothing() -> None:
    y, noise = torch.randn(3, 2), torch.randn(4, 3, 2)
    expected = parts(smoothed().derivatives(y, noise_samples=noise))
    with torch.autocast(DEVICE.type, dtype=torch.bfloat16):
        found = parts(smoothed().derivatives(y, noise_samples=noise))
        g = grad(lambda y: smoothed()(y, noise_samples=noise).sum())(y)
    for actual, wanted in zip((*found, g), (*expected, expected[1]), strict=True):
        torch.testing.assert_close(actual, wanted)


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # Dynamo's
def test_a_step_compiles_as_one_graph() -> None:
    torch.compiler.reset()
    noise = torch.randn(4, 3, 2)
    loss = NewtonLoss(partial(smoothed(), noise_samples=noise))
    y = torch.randn(3, 2)
    results = []
    for function in (loss, torch.compile(loss, fullgraph=True, backend="eager")):
        leaf = y.clone().requires_grad_()
        function(leaf).backward()
        results.append(leaf.grad)
    torch.testing.assert_close(results[1], results[0])


def test_is_a_module() -> None:
    module = StochasticSmoothing(
        nn.Linear(2, 1), sigma=1, num_samples=np.int64(2), generator=torch.Generator(DEVICE)
    )
    assert [name for name, _ in module.named_parameters()] == ["function.weight", "function.bias"]
    assert "sigma=1.0, num_samples=2, noise='gaussian', control_variate=True" in repr(module)
    y = torch.randn(3, 2)
    copies = copy.deepcopy(module), pickle.loads(pickle.dumps(module))
    expected = module(y)
    for other in copies:
        torch.testing.assert_close(other(y), expected)
    with torch.inference_mode():
        assert module(y).shape == (3, 1)
