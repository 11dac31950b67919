"""Find the nodes of an autograd graph whose second derivative autograd cannot see.

A custom `torch.autograd.Function` whose backward is marked `once_differentiable`, or leaves PyTorch
(through NumPy, say), contributes nothing to a double backward: the Hessian would be silently wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import BackwardCFunction, Function, once_differentiable
from torch.autograd.graph import Node
from torch.utils._python_dispatch import TorchDispatchMode

_ONCE_DIFFERENTIABLE_CODE = once_differentiable(lambda ctx: None).__code__


def refusal(what: str) -> ValueError:
    """The error for a loss that has no second derivative."""
    return ValueError(
        f'loss {what}, so its Hessian cannot be computed: use curvature="fisher", which needs '
        "first derivatives only, or give the loss a `derivatives` method"
    )


def custom_functions(loss: Tensor, stop: Collection[Node] = ()) -> list[Node]:
    """The custom Functions on the way from ``loss`` to the nodes in ``stop`` (or to any leaf).

    Args:
        loss: the tensor whose graph is searched.
        stop: the nodes that made the outputs; the search does not go past them.

    Raises:
        ValueError: if the backward of one of them is marked `once_differentiable`.
    """
    found = [n for n in _nodes_between(loss.grad_fn, stop) if isinstance(n, BackwardCFunction)]
    for node in found:
        function = _user_function(node)
        if getattr(function.backward, "__code__", None) is _ONCE_DIFFERENTIABLE_CODE:
            raise refusal(f"uses {function.__name__}, whose backward is marked once_differentiable")
    return found


def has_custom_functions(value: Tensor) -> bool:
    """Whether there is a custom Function anywhere in the graph of ``value``."""
    return any(isinstance(node, BackwardCFunction) for node in _nodes_between(value.grad_fn, ()))


def _nodes_between(root: Node | None, stop: Collection[Node]) -> list[Node]:
    """The nodes from which a node in ``stop`` can be reached (all, if ``stop`` is empty)."""
    reaches: dict[Node, bool] = {}
    stack = [root] if root is not None else []
    while stack:  # depth first without recursion: graphs are deep
        node = stack[-1]
        children = [child for child, _ in node.next_functions if child is not None]
        open_children = [] if node in stop else [c for c in children if c not in reaches]
        if node not in reaches and open_children:
            reaches[node] = False
            stack.extend(open_children)
            continue
        reaches[node] = not stop or node in stop or any(reaches[c] for c in children)
        stack.pop()
    return [node for node, does_reach in reaches.items() if does_reach and node not in stop]


def _user_function(node: Any) -> type[Function]:
    """The class the user wrote; `torch.func` runs a generated one that closes over it."""
    function = node._forward_cls  # noqa: SLF001 - torch has no other way to it.
    if function.__module__ == "torch._functorch.autograd_function":
        for cell in function.backward.__closure__ or ():
            if isinstance(cell.cell_contents, type) and issubclass(cell.cell_contents, Function):
                return cell.cell_contents
    return function  # type: ignore[no-any-return]


class _WatchBackward(TorchDispatchMode):
    """Notes the nodes whose backward left autograd."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.left: set[Node] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        node = torch._C._current_autograd_node()  # noqa: SLF001
        if isinstance(node, BackwardCFunction) and _leaves_autograd(func, args):
            self.left.add(node)
        return func(*args, **(kwargs or {}))


def _leaves_autograd(func: Any, args: Any) -> bool:
    """Whether this call detaches a tensor, brings one in (not a mere number), or is unrecorded."""
    if func is torch.ops.aten.lift_fresh.default:
        return bool(args[0].is_floating_point() and args[0].dim() > 0)
    return func is torch.ops.aten.detach.default or not torch.is_grad_enabled()


def watch_backward(functions: list[Node]) -> AbstractContextManager[None]:
    """Refuse, at the end of a backward with `create_graph=True`, Functions that left autograd.

    A Function is refused if its backward detached a tensor, brought one in from outside or switched
    autograd off, and what it returned depends on nothing but the gradient that came in. (A custom
    ReLU does neither; a backward that detaches a constant on the side keeps its graph.)
    """
    return _watch(functions) if functions else nullcontext()


@contextmanager
def _watch(functions: list[Node]) -> Iterator[None]:
    constant: set[Node] = set()
    handles = [node.register_hook(_note_constant(node, constant)) for node in functions]
    try:
        with _WatchBackward() as watch:
            yield
    finally:
        for handle in handles:
            handle.remove()
    for node in watch.left & constant:
        name = _user_function(node).__name__
        raise refusal(f"uses {name}, whose backward leaves autograd")


def _note_constant(node: Node, constant: set[Node]) -> Any:
    def hook(
        grad_inputs: tuple[Tensor | None, ...], grad_outputs: tuple[Tensor | None, ...]
    ) -> None:
        incoming = {g.grad_fn for g in grad_outputs if g is not None and g.grad_fn is not None}
        roots = [g.grad_fn for g in grad_inputs if g is not None and g.grad_fn is not None]
        if not any(_has_other_leaf(root, incoming) for root in roots):
            constant.add(node)

    return hook


def _has_other_leaf(root: Node, incoming: set[Node]) -> bool:
    """Whether the graph under ``root`` ends anywhere but in ``incoming``."""
    seen, stack = {root}, [root]
    while stack:
        node = stack.pop()
        if node in incoming:
            continue
        children = [child for child, _ in node.next_functions if child is not None]
        if not children:
            return True
        stack.extend(c for c in children if c not in seen)
        seen.update(children)
    return False
