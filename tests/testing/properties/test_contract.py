"""What every caller relies on: usable, deterministic, inputs left alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from newton_optim.testing import assert_deterministic, assert_inputs_unchanged, assert_usable
from tests.testing.functions import elementwise
from tests.testing.losses import T, Y, smooth


def raising(y: Tensor) -> Tensor:
    raise LookupError("no slope")


def test_a_backward_that_raises_is_unusable() -> None:
    function = elementwise(torch.square, raising)
    with pytest.raises(AssertionError, match="no slope"):
        assert_usable(lambda y: function(y).sum(-1), Y)


def test_a_backward_that_raises_once_is_unusable() -> None:
    calls: list[int] = []

    def flaky(y: Tensor) -> Tensor:
        calls.append(1)
        return 2 * y if len(calls) == 1 else raising(y)

    function = elementwise(torch.square, flaky)
    with pytest.raises(AssertionError, match="the backward raised LookupError: no slope"):
        assert_inputs_unchanged(lambda y: function(y).sum(-1), Y)


def test_a_value_that_changes_while_the_gradient_does_not() -> None:
    calls: list[int] = []

    def counts(y: Tensor) -> Tensor:
        calls.append(1)
        return y.square().sum(-1) + len(calls)

    with pytest.raises(AssertionError, match="the value of a second call"):
        assert_deterministic(counts, Y)


def test_noise_that_is_an_argument_is_deterministic() -> None:
    assert_deterministic(lambda y, noise: (y + noise).square().sum(-1), Y, torch.randn(4, 3))


def test_the_given_tensors_are_never_changed() -> None:
    y, t = Y.clone(), T.clone()

    def changes_both(y: Tensor, t: Tensor) -> Tensor:
        return smooth(y.mul_(2), t.zero_())

    with pytest.raises(AssertionError, match=r"the loss changes outputs in place: from \[0\.3"):
        assert_inputs_unchanged(changes_both, y, t)
    assert torch.equal(y, Y)
    assert torch.equal(t, T)


def test_nan_that_stays_is_unchanged() -> None:
    t = torch.full_like(T, torch.nan)
    assert_inputs_unchanged(lambda y, t: smooth(y, t.nan_to_num()), Y, t)


def test_tensors_of_nested_arguments_are_compared() -> None:
    def changes(y: Tensor, rest: dict[str, list[Tensor]]) -> Tensor:
        rest["weights"][1].add_(1)
        return y.square().sum(-1)

    rest = {"weights": [torch.ones(2), torch.ones(3)]}
    with pytest.raises(AssertionError, match="the loss changes tensor 1 of the arguments"):
        assert_inputs_unchanged(changes, Y, rest)
