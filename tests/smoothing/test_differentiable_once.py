from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import grad, hessian, jacfwd, jacrev, vmap

from newton_optim.smoothing._differentiable_once import differentiable_once

# The first forward-mode derivative of a process scripts torch's own decompositions.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")


def doubled(theta: Tensor) -> Tensor:
    return 2.0 * differentiable_once(theta).sum()


def test_the_value_and_the_first_derivative_are_those_of_the_identity() -> None:
    theta = torch.randn(3)
    two = torch.full((3,), 2.0)
    assert torch.equal(differentiable_once(theta), theta)
    assert torch.equal(grad(doubled)(theta), two)
    assert torch.equal(jacfwd(doubled)(theta), two)
    assert torch.equal(vmap(grad(doubled))(theta.expand(4, 3)), two.expand(4, 3))
    leaf = theta.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(doubled(leaf), leaf, create_graph=True)
    assert torch.equal(gradient, two)


@pytest.mark.parametrize(
    "second",
    [
        hessian,
        lambda f: jacrev(jacrev(f)),
        lambda f: jacrev(jacfwd(f)),
        lambda f: jacfwd(jacfwd(f)),
        lambda f: vmap(hessian(f)),
        lambda f: lambda theta: torch.autograd.functional.hessian(f, theta),
    ],
)
def test_every_second_derivative_is_refused(second: Any) -> None:
    with pytest.raises(ValueError, match="num_samples must be at least 2 for the second"):
        second(doubled)(torch.randn(2, 3))
