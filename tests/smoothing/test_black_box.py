from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.func import grad, hessian, jacfwd, jacrev, vmap

from newton_optim.smoothing._black_box import call_hidden, checked_rows, evaluate
from tests.smoothing.smoothing_strategies import as_numpy

# The first forward-mode derivative of a process scripts torch's own decompositions.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")


class Box:
    """A sum of sines that leaves PyTorch and notes with what it is called."""

    def __init__(self) -> None:
        self.rows: list[torch.Size] = []

    def __call__(self, x: Tensor, *args: Any) -> Tensor:
        assert not torch.is_grad_enabled()
        self.rows.append(x.shape)
        assert all(len(arg) == len(x) for arg in args if isinstance(arg, Tensor))
        assert float(x.sum().item()) == float(x.sum().item())  # Its values can be read.
        factor = as_numpy(args[0]) if args else 1.0
        return torch.from_numpy(np.sin(as_numpy(x)).reshape(len(x), -1).sum(axis=1) * factor)


def points() -> Tensor:
    return torch.randn(5, 3, 2, dtype=torch.float64, requires_grad=True)


def test_one_call_and_no_graph() -> None:
    box, x, factor = Box(), points(), torch.randn(3, dtype=torch.float64, requires_grad=True)
    values = evaluate("box", box, x, (factor, "an option"))
    assert box.rows == [(15, 2)]
    assert not values.requires_grad
    torch.testing.assert_close(values, (x.sin().sum(-1) * factor).detach())


@pytest.mark.parametrize(
    "transform",
    [grad, jacrev, jacfwd, hessian, lambda f: jacrev(jacrev(f)), lambda f: jacfwd(jacfwd(f))],
)
def test_transforms_see_a_constant(transform: Any) -> None:
    box, x = Box(), points().detach()

    def constant(x: Tensor) -> Tensor:
        return (evaluate("box", box, x, ()) ** 2).sum()

    assert not transform(constant)(x).any()
    assert box.rows == [(15, 2)]


def test_one_call_under_nested_vmap() -> None:
    box, x = Box(), torch.randn(2, 4, 5, 3, 2, dtype=torch.float64)
    factor = torch.randn(4, 3, dtype=torch.float64)

    def inner(x: Tensor, factor: Tensor) -> Tensor:
        return evaluate("box", box, x, (factor, "an option"))

    values = vmap(vmap(inner), in_dims=(0, None))(x, factor)
    assert box.rows == [(2 * 4 * 15, 2)]
    torch.testing.assert_close(values, x.sin().sum(-1) * factor[:, None])
    moved = vmap(inner, in_dims=(3, None), out_dims=1)(x[0].movedim(0, 3), factor[0])
    torch.testing.assert_close(moved, (x[0].sin().sum(-1) * factor[0]).movedim(0, 1))


def test_batches_may_come_last() -> None:
    x, factor = torch.randn(3, 2, 4), torch.randn(3)
    found = vmap(lambda x, f: call_hidden(Box(), x, f), in_dims=(2, None))(x, factor)
    torch.testing.assert_close(found, (x.sin().sum(1) * factor[:, None]).T)


def test_what_comes_from_another_device_moves() -> None:
    x = torch.empty(5, 3, 2, device="meta")
    values = evaluate("box", lambda x: torch.zeros(len(x), device="cpu"), x, ())
    assert (values.device.type, values.shape) == ("meta", (5, 3))


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (lambda x: x, lambda x: x),
        (lambda x: x.mul_(2.0), lambda x: 2.0 * x),
        (lambda x: x[:, :1], lambda x: x[..., :1]),
        (lambda x: x > 0, lambda x: (x > 0).double()),
        (lambda x: x.long(), lambda x: x.long().double()),
        (lambda x: x.float().sum(1), lambda x: x.float().sum(-1).double()),
    ],
)
def test_what_may_be_returned(box: Any, expected: Any) -> None:
    x = points().detach()
    torch.testing.assert_close(evaluate("box", box, x.clone(), ()), expected(x))
    batched = vmap(lambda x: evaluate("box", box, 1.0 * x, ()))(torch.stack([x, -x]))
    torch.testing.assert_close(batched, torch.stack([expected(x), expected(-x)]))


def test_inputs_are_not_changed_by_a_box_that_changes_its_own() -> None:
    x, factor = points(), torch.ones(3)
    before = x.detach().clone()
    evaluate("box", lambda x, factor: x.mul_(factor.add_(1.0)[:, None]), x * 1.0, (factor,))
    assert torch.equal(x.detach(), before)
    assert torch.equal(factor, torch.ones(3))


@pytest.mark.parametrize(
    ("result", "error", "match"),
    [
        (None, TypeError, "box must return a real tensor, got NoneType None"),
        (np.zeros(15), TypeError, "box must return a real tensor, got ndarray"),
        (torch.zeros(15) + 1j, TypeError, "box must return a real tensor, got a tensor of shape"),
        (torch.zeros(()), ValueError, r"here B = 15, got shape \(\)"),
        (torch.zeros(3), ValueError, r"here B = 15, got shape \(3,\)"),
        (torch.zeros(5, 3), ValueError, r"here B = 15, got shape \(5, 3\)"),
    ],
)
def test_what_may_not_be_returned(result: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        evaluate("box", lambda x: result, points(), ())


@pytest.mark.parametrize("arg", [torch.zeros(()), torch.zeros(2), torch.zeros(15)])
def test_arguments_have_one_row_a_sample(arg: Tensor) -> None:
    with pytest.raises(ValueError, match=re.escape("args[1] must have one row for each of the 3")):
        evaluate("box", Box(), points(), (torch.zeros(3), arg))


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ([1.0], TypeError),
        (torch.zeros(3, 2, dtype=torch.long), TypeError),
        (torch.zeros(3, 2, dtype=torch.bool), TypeError),
        (torch.zeros(3, 2, dtype=torch.complex64), TypeError),
        (torch.zeros(()), ValueError),
        (torch.zeros(0, 2), ValueError),
        (torch.zeros(3, 0), ValueError),
    ],
)
def test_bad_rows(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="theta must"):
        checked_rows("theta", value)


def test_half_precision_is_widened() -> None:
    assert checked_rows("y", torch.zeros(1, dtype=torch.bfloat16)).dtype == torch.float32
    assert checked_rows("y", torch.zeros(1, dtype=torch.float16)).dtype == torch.float32
    assert checked_rows("y", torch.zeros(1, dtype=torch.float64)).dtype == torch.float64
