"""How many derivatives are found, and in which form."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from newton_optim._diagnosis._differentiability import Differentiability, differentiability
from newton_optim._diagnosis._probe import Probe
from newton_optim._diagnosis._sandbox import LossFailedError
from tests.diagnosis.losses import normal, once_differentiable, probe_of, squared_distance


def test_twice_as_a_callable() -> None:
    y = normal(0, 4, 3)
    found = differentiability(probe_of(squared_distance, y, 0.0 * y))
    assert found == Differentiability(times_differentiable=2, callable_works=True)


def test_once_as_a_callable() -> None:
    found = differentiability(probe_of(lambda y: y.sum(dim=1), normal(0, 4, 3)))
    assert found == Differentiability(times_differentiable=1, callable_works=True)


def test_once_as_a_tensor() -> None:
    found = differentiability(probe_of(once_differentiable, normal(0, 4, 3)))
    assert (found.times_differentiable, found.callable_works) == (1, False)
    assert len(found.notes) == 1
    assert "the loss as a callable (" in found.notes[0]
    assert "setup_context" in found.notes[0]


def test_the_form_with_more_derivatives_is_taken() -> None:
    class Picky(Probe):
        """Twice differentiable only as a tensor."""

        def check_second_derivative(self, y: Tensor) -> None:
            if not self.as_tensor:
                raise LossFailedError("not under torch.func")
            super().check_second_derivative(y)

    y = normal(0, 4, 3)
    found = differentiability(Picky(**vars(probe_of(squared_distance, y, 0.0 * y))))
    assert found == Differentiability(
        times_differentiable=2,
        callable_works=False,
        notes=("the loss as a callable (not under torch.func)",),
    )


class Counted(torch.autograd.Function):
    """The identity. Its backward takes one vector at a time, and counts them."""

    calls = 0

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def setup_context(ctx: object, inputs: tuple[Tensor], output: Tensor) -> None:
        pass

    @staticmethod
    def backward(ctx: object, grad: Tensor) -> Tensor:
        grad.sum().item()  # Not under vmap.
        Counted.calls += 1
        return grad.clone()


def test_a_second_derivative_is_looked_for_with_one_vector() -> None:
    y = normal(0, 2, 50)
    probe = probe_of(lambda y: Counted.apply(y).square().sum(dim=1), y)
    Counted.calls = 0
    assert differentiability(probe).times_differentiable == 2
    assert 0 < Counted.calls < 10
    Counted.calls = 0
    probe.second_derivatives(y)
    assert Counted.calls >= 50


def test_no_derivative_at_all() -> None:
    with pytest.raises(LossFailedError, match="it has no graph"):
        differentiability(probe_of(lambda y: y.detach().sum(dim=1), normal(0, 4, 3)))
