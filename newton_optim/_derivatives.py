"""Value, gradient and Hessian of a loss with respect to its inputs, per sample.

A loss reaches the library in three forms: with a ``derivatives`` method of its own, as a callable
(through `torch.func`), or as a tensor (through double backward on its own graph). All three become
one :class:`LossDerivatives`, on the scale of the single sample whatever the reduction.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from newton_optim._autograd import Products, tensor_derivatives
from newton_optim._checks import describe, finite_rows
from newton_optim._composed import ComposedLoss, inner_vjp, jacobians
from newton_optim._functional import callable_derivatives
from newton_optim._outputs import Outputs


class LossDerivatives:
    """Value, gradient and Hessian of every sample's own loss `l_i`.

    Args:
        value: the losses `l_i`, shape `(N,)`.
        gradient: the gradients `g_i`, shape `(N, m)`.
        hessian: the Hessians `H_i`, shape `(N, m, m)`, a callable that gives them (it is called
            once, when they are first asked for), or `None`: the library then computes them.

    Shapes and scale:
        N samples, m outputs a sample. The scale is that of the single sample: no 1/N, whatever the
        reduction of the loss.
    """

    def __init__(
        self, value: Tensor, gradient: Tensor, hessian: Tensor | Callable[[], Tensor] | None = None
    ) -> None:
        self.value = value
        self.gradient = gradient
        self.kept: Tensor | None = None
        """Which samples count, shape `(N,)`; `None` as long as nobody has looked."""
        self._hessian = hessian
        self._products: Products | None = None
        self._gauss_newton: Callable[[int | None], Tensor] | None = None

    @property
    def hessian(self) -> Tensor | None:
        """The Hessians `H_i`, shape `(N, m, m)`, or `None` if nothing here can give them."""
        if not isinstance(self._hessian, Tensor):
            if self._hessian is not None:
                self._hessian = self._hessian()
            elif self._products is not None:
                self._hessian = self._columns()
            if self._hessian is not None:
                self._hessian = self._finite(self._hessian)
        return self._hessian

    def gauss_newton(self, chunk_size: int | None = None) -> Tensor:
        """The Gauss-Newton matrices `J_i' ∇²l_i J_i` of a :class:`ComposedLoss`, `(N, m, m)`.

        Args:
            chunk_size: how many rows of the Jacobians are computed at once; all by default.

        Raises:
            ValueError: if the loss does not name its parts.
        """
        if self._gauss_newton is None:
            raise ValueError(
                "loss must be a ComposedLoss, handed over as a callable, for Gauss-Newton matrices"
            )
        return self._finite(self._gauss_newton(chunk_size))

    @property
    def has_closed_form(self) -> bool:
        """Whether the loss brought its own Hessians."""
        return self._hessian is not None

    def hessian_products(self, vectors: Tensor) -> Tensor:
        """Products of the full `(Nm, Nm)` Hessian with ``vectors``, shape `(k, N, m)` each.

        Raises:
            ValueError: if nothing here can give second derivatives.
        """
        if self._products is None:
            raise ValueError("these LossDerivatives have no Hessian and no way to compute it")
        return self._products(vectors)

    def leave_out(self, samples: Tensor) -> None:
        """Count these samples, shape `(N,)`, no longer: their gradient becomes zero."""
        self.kept = ~samples if self.kept is None else self.kept & ~samples
        self.gradient = torch.where(self.kept[:, None], self.gradient, 0.0)

    def _finite(self, matrices: Tensor) -> Tensor:
        """The matrices, those of samples that do not count set to zero."""
        if self.kept is None:
            return matrices
        self.leave_out(~finite_rows(matrices.flatten(1)))
        return torch.where(self.kept[:, None, None], matrices, 0.0)

    def _columns(self) -> Tensor:
        """`H_i` by m products: column j of all samples at once.

        Right where samples are independent; where they are not, the cross blocks are summed.
        """
        N, m = self.gradient.shape
        identity = torch.eye(m, dtype=self.gradient.dtype, device=self.gradient.device)
        columns = self.hessian_products(identity[:, None, :].expand(m, N, m))
        return columns.permute(1, 2, 0)  # (m, N, m) -> (N, m, m)


def loss_derivatives(
    loss: Any,
    outputs: Outputs,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    reduction: str,
    *,
    second_order: bool,
    chunk_size: int | None = None,
) -> tuple[Tensor, LossDerivatives]:
    """The value of the loss as the user sees it (0-dim), and its derivatives per sample.

    Args:
        loss: a 0-dim tensor, a tensor `(N,)`, or a callable that gives one.
        outputs: what the loss is a function of.
        args: further arguments of a callable.
        kwargs: further keyword arguments of a callable.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".
        second_order: whether the Hessian may be asked for.
        chunk_size: how many of its columns are computed at once; all by default.

    Returns:
        The detached value, and the derivatives. Where the loss is 0-dim, the value of every sample
        is its share of it.

    Raises:
        TypeError: if ``loss`` is neither a real tensor nor a callable, or is a tensor with
            ``args``.
        ValueError: if it has the wrong shape or does not depend on the outputs.
    """
    if isinstance(loss, Tensor):
        if args or kwargs:
            raise TypeError(
                "loss must be a callable when further arguments are given, got a tensor"
            )
        value, gradient, products = tensor_derivatives(
            loss, outputs, reduction, second_order, chunk_size
        )
    elif callable(loss):
        function, call = _bind(loss, args, kwargs)
        if callable(getattr(function, "derivatives", None)):
            return _own_derivatives(function, call, outputs, reduction, chunk_size)
        if type(function) is ComposedLoss and not second_order and loss is function:
            return _composed_derivatives(function, call, outputs, args, kwargs, reduction)
        value, gradient, products = callable_derivatives(
            functools.partial(call, function), outputs, reduction, second_order, chunk_size
        )
    else:
        raise TypeError(f"loss must be a tensor or a callable, got {describe(loss)}")
    derivatives = LossDerivatives(_per_sample(value, outputs, reduction), gradient)
    derivatives._products = products
    return reduce_loss(value, reduction), derivatives


def reduce_loss(value: Tensor, reduction: str) -> Tensor:
    """The 0-dim loss: ``value`` itself, or the mean or sum of a loss of shape `(N,)`."""
    if value.dim() == 0:
        return value
    return value.mean() if reduction == "mean" else value.sum()


def _per_sample(value: Tensor, outputs: Outputs, reduction: str) -> Tensor:
    if value.dim() == 1:
        return value
    share = value if reduction == "mean" else value / outputs.num_samples
    return share.expand(outputs.num_samples)


def _bind(
    loss: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[Callable[..., Any], Callable[[Callable[..., Any], Any], Any]]:
    """The function under a `functools.partial`, and how to call it, or a method of it."""
    before: tuple[Any, ...] = ()
    if isinstance(loss, functools.partial):
        before, kwargs, loss = loss.args, {**loss.keywords, **kwargs}, loss.func
    return loss, lambda method, outputs: method(*before, outputs, *args, **kwargs)


def _own_derivatives(
    function: Any,
    call: Callable[[Callable[..., Any], Any], Any],
    outputs: Outputs,
    reduction: str,
    chunk_size: int | None,
) -> tuple[Tensor, LossDerivatives]:
    """What the ``derivatives`` method of a loss says, checked and on full precision."""
    N, dtype = outputs.num_samples, outputs.dtype
    precise = outputs.rebuild([p.detach().to(dtype) for p in outputs.parts])
    given = call(function.derivatives, precise)
    if not isinstance(given, LossDerivatives):
        raise TypeError(f"loss.derivatives must return LossDerivatives, got {describe(given)}")
    m = sum(p[0].numel() for p in outputs.parts)
    value = _checked("value", given.value, (N,)).to(dtype)
    gradient = _checked("gradient", given.gradient, (N, m)).to(dtype)
    hessian = given._hessian
    derivatives = LossDerivatives(value, gradient)
    if hessian is not None:
        derivatives._hessian = lambda: _checked(
            "hessian", hessian() if callable(hessian) else hessian, (N, m, m)
        ).to(dtype)
    derivatives._products = _recomputed(function, call, outputs, reduction, chunk_size)
    return reduce_loss(value, reduction), derivatives


def _composed_derivatives(
    loss: ComposedLoss,
    call: Callable[[Callable[..., Any], Any], Any],
    outputs: Outputs,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    reduction: str,
) -> tuple[Tensor, LossDerivatives]:
    """First derivatives through the inner part's result; its Jacobians when they are asked for."""
    result, vjp = inner_vjp(loss.inner, outputs)
    value, outer = loss_derivatives(loss.outer, result, args, kwargs, reduction, second_order=False)
    derivatives = LossDerivatives(outer.value, vjp(outer.gradient)[0].detach())

    def gauss_newton(chunk_size: int | None) -> Tensor:
        J, H = jacobians(vjp, result, chunk_size), outer.hessian
        if H is None:
            raise ValueError("outer must have a Hessian or a way to compute it, got None")
        return J.mT @ H.to(J.dtype) @ J

    derivatives._gauss_newton = gauss_newton
    derivatives._products = _recomputed(loss, call, outputs, reduction, None)
    return value, derivatives


def _recomputed(
    function: Any,
    call: Callable[[Callable[..., Any], Any], Any],
    outputs: Outputs,
    reduction: str,
    chunk_size: int | None,
) -> Products:
    """Hessian-vector products by evaluating the loss again, through `torch.func`."""

    def products(vectors: Tensor) -> Tensor:
        loss = functools.partial(call, function)
        return callable_derivatives(loss, outputs, reduction, True, chunk_size)[2](vectors)

    return products


def _checked(name: str, tensor: Any, shape: tuple[int, ...]) -> Tensor:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"loss.derivatives: {name} must be a tensor, got {describe(tensor)}")
    if tuple(tensor.shape) != shape:
        raise ValueError(
            f"loss.derivatives: {name} must have shape {shape}, got {tuple(tensor.shape)}"
        )
    return tensor.detach()
