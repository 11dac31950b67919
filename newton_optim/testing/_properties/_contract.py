"""What every caller of a loss relies on: a usable value, twice the same, inputs left alone."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from newton_optim.testing._case import Case
from newton_optim.testing._cast import map_tensors
from newton_optim.testing._comparison import assert_rows_close, finite_norms, show
from newton_optim.testing._evaluation import UnusableLossError, call_loss

_REORDERED_SUMS = 2.0**-40
"""The relative difference that another order of summation may make in float64."""


def assert_usable(loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean") -> None:
    """The loss returns a real tensor of shape `()` or `(N,)`, made from the outputs by autograd.

    Every entry point requires this, and every other property includes it.

    It sees what no entry point accepts. It does not see whether the numbers are right.

    Args:
        loss_fn: the loss, called as ``loss_fn(outputs, *args)``.
        outputs: the network's outputs, `(N, *event)`, or a tuple, list or dict of them.
        *args: further arguments of the loss.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".

    Raises:
        AssertionError: if the loss raises, returns anything else, or has no graph.
    """
    Case.checked(loss_fn, outputs, args, reduction, dtype=None).evaluate()


def assert_deterministic(loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean") -> None:
    """Two calls of the loss give the same value and the same gradient, up to rounding.

    A loss that draws random numbers passes if it takes its noise, or a seed, as an argument.
    Otherwise it has no derivatives that could be tested.

    It sees two calls that differ. It does not see a state that changes rarely.

    Args:
        loss_fn: the loss, called as ``loss_fn(outputs, *args)``.
        outputs: the network's outputs, `(N, *event)`, or a tuple, list or dict of them.
        *args: further arguments of the loss.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".

    Raises:
        AssertionError: with both values.
    """
    case = Case.checked(loss_fn, outputs, args, reduction)
    first, second = case.evaluate(), case.evaluate()
    a, b = first.value.double().reshape(-1, 1), second.value.double().reshape(-1, 1)
    y = case.y if len(a) == case.num_samples else case.y.reshape(1, -1)
    assert_rows_close("the value of a second call", b, a, _REORDERED_SUMS * a.abs()[:, 0], y)
    g = first.gradient
    bound = (_REORDERED_SUMS * finite_norms(g).norm()).expand(len(g))
    assert_rows_close("the gradient of a second call", second.gradient, g, bound, case.y)


def assert_inputs_unchanged(
    loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean"
) -> None:
    """The loss and its backward leave the outputs and the arguments as they were, bit for bit.

    It sees outputs and arguments that the loss changes. It does not see what happens to the tensors
    of a closure.

    Args:
        loss_fn: the loss, called as ``loss_fn(outputs, *args)``.
        outputs: the network's outputs, `(N, *event)`, or a tuple, list or dict of them.
        *args: further arguments of the loss.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".

    Raises:
        AssertionError: with the first input that changed, before and after.
    """
    case = Case.checked(loss_fn, outputs, args, reduction, dtype=None)
    leaves = [part.clone().requires_grad_() for part in case.outputs.parts]
    parts, given_args = [leaf.clone() for leaf in leaves], case.copied_args()
    case.evaluate()  # Raises if the loss cannot be used at all.
    loss = call_loss(case.loss_fn, case.outputs.rebuild(parts), given_args)
    try:
        loss.sum().backward()
    except Exception as error:
        raise UnusableLossError(f"the backward raised {type(error).__name__}: {error}") from error
    for name, before, after in zip(case.outputs.names, case.outputs.parts, parts, strict=True):
        _assert_same(name, before, after)
    before_args, after_args = _tensors(case.args), _tensors(given_args)
    for i, (before, after) in enumerate(zip(before_args, after_args, strict=True)):
        _assert_same(f"tensor {i} of the arguments", before, after)


def _assert_same(name: str, before: Tensor, after: Tensor) -> None:
    after = after.detach()
    same = (before == after) | ((before != before) & (after != after))
    if not same.all():
        raise AssertionError(
            f"the loss changes {name} in place: from {show(before)} to {show(after)}"
        )


def _tensors(args: tuple[Any, ...]) -> list[Tensor]:
    found: list[Tensor] = []

    def note(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    map_tensors(note, args)
    return found
