"""The optimiser: any torch optimiser, pulled to the target of a Newton step."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from newton_optim._checks import check_real, describe
from newton_optim._closure import CONTRACT, needs_closure, parse_returned
from newton_optim._diagnostics import diagnostics_of
from newton_optim._group_damping import damping_entries, read_damping
from newton_optim._newton_loss import half_squared_distance
from newton_optim._optimizer_wrapper import OptimizerWrapper
from newton_optim._outputs import flatten_outputs
from newton_optim._reduction import to_batch_scale
from newton_optim._step import NewtonSettings, NewtonStep, newton_step
from newton_optim.curvature import RelativeDamping, SupportsNewtonStep
from newton_optim.curvature._damping import check_damping

logger = logging.getLogger("newton_optim")


class NewtonLossOptimizer(OptimizerWrapper):
    r"""Any torch optimiser, fed with the gradient of the Newton loss (`arXiv 2410.19055`_, Alg. 1).

    .. math:: z^\star_i = y_i - (C + λ I)^{-1} g_i, \qquad \nabla_y l^\star = (y - z^\star) / N

    It replaces ``optimizer.step()``::

        optimizer = NewtonLossOptimizer(torch.optim.Adam(net.parameters()))
        loss = optimizer.step(lambda: (y := net(x), loss_fn(y, target)))

    `g_i`, C and λ are on the per-sample scale, whatever the reduction; the gradient that reaches
    the network is `(y - z*) / N` for ``reduction="mean"`` and `y - z*` for ``"sum"``. The network
    is evaluated and differentiated once per step.

    ``param_groups``, ``state`` and ``defaults`` are the base's own, and so is the state dict:
    checkpoints move between the bare optimiser and this one both ways. λ is kept in the param
    groups, where it may be changed during training (the first group counts): ``"damping"``,
    ``"damping_kind"`` (``"absolute"``, ``"relative"``, or ``"shared"`` for a shared relative one)
    and ``"damping_max_step"`` (infinite for no bound). A checkpoint's λ wins over the
    constructor's; a bare optimiser's checkpoint leaves λ as it is.

    Args:
        base: the optimiser that steps. One that needs a closure (L-BFGS) gets the library's own,
            which evaluates the user's closure again (it must be repeatable) and measures
            `½‖z* - y‖²` to the fixed z*.
        curvature: "hessian", "fisher", "identity", or a curvature object (see
            :func:`newton_target`).
        damping: λ ≥ 0 on the per-sample scale, or :class:`RelativeDamping`; ``None`` is the
            curvature's own.
        reduction: "mean" or "sum".
        error_on_nonfinite: raise for a sample that is not finite and for a matrix that cannot be
            inverted; parameters, gradients and state are then as before.

    Raises:
        TypeError: if ``base`` is not an optimiser, or an argument is of the wrong kind.
        ValueError: if a value or name is wrong.

    .. _arXiv 2410.19055: https://arxiv.org/abs/2410.19055
    """

    _warned = False  # Of a plain step before any Newton step; once is enough.

    def __init__(
        self,
        base: Optimizer,
        *,
        curvature: str | SupportsNewtonStep = "hessian",
        damping: float | RelativeDamping | None = None,
        reduction: str = "mean",
        error_on_nonfinite: bool = False,
    ) -> None:
        super().__init__(base)
        self._settings = NewtonSettings.checked(curvature, damping, reduction, error_on_nonfinite)
        self._last: NewtonStep | None = None
        self._totals: tuple[Tensor | int, Tensor | int] = (0, 0)
        self.damping = self._settings.damping

    @property
    def damping(self) -> float | RelativeDamping:
        """λ as it is in the first param group."""
        return read_damping(self.base.param_groups[0], self._settings.damping)

    @damping.setter
    def damping(self, value: float | RelativeDamping | None) -> None:
        damping = check_damping(value, self._settings.curvature.default_damping)
        for group in self.base.param_groups:
            group.update(damping_entries(damping))

    def _group_entries(self) -> dict[str, Any]:
        return damping_entries(self.damping)

    def _check_group(self, group: dict[str, Any]) -> None:
        read_damping(group, self.damping)

    def step(  # type: ignore[override]
        self, closure: Callable[[], Any] | None = None
    ) -> Tensor | None:
        """One Newton step on the outputs, and one step of the base towards it.

        Args:
            closure: called once, with autograd on; must not call backward. Returns
                ``(outputs, loss)`` or ``(outputs, loss_fn, *args)`` with arguments as in
                :func:`newton_target`. ``None`` asks for a plain step of the base on the gradients
                that are there, and so does a call without a closure. (Where no Newton step or
                :meth:`backward` came before, such a call is logged as a warning, once: a trainer
                that calls ``step()`` itself makes no Newton steps.)

        Returns:
            The original loss, detached, 0-dim; ``None`` for a plain step.

        Raises:
            TypeError: if the closure returns anything else, or no closure is given to a base that
                needs one.
            ValueError: if a value or shape is wrong, or the loss hides a derivative. Parameters,
                gradients and state are then as before.
        """
        args: tuple[Any, ...] = (self, closure)
        kwargs: dict[str, Any] = {}
        for pre_hook in self._optimizer_step_pre_hooks.values():
            changed = pre_hook(self, args, kwargs)
            if changed is not None:
                args, kwargs = changed
        loss = self._step(*args[1:], **kwargs)  # A hook may have changed the closure.
        for post_hook in self._optimizer_step_post_hooks.values():
            post_hook(self, args, kwargs)
        return loss

    # The base's step fires the global hooks; torch would patch this one to fire them again.
    step.hooked = True  # type: ignore[attr-defined]

    def backward(
        self,
        outputs: Any,
        loss: Tensor | Callable[..., Tensor],
        *args: Any,
        scale: float | Tensor = 1.0,
    ) -> Tensor:
        """Add ``scale`` times the gradients of the Newton loss to the parameters', without a step.

        For accumulation over k micro-batches (``scale=1/k``) and gradient scalers
        (``scale=scaler.scale(torch.ones(()))``, then ``scaler.step(optimizer)``; a scaler that has
        scaled nothing yet has a ``get_scale()``, but refuses to step).

        Args:
            outputs: a tensor `(N, *event)`, or a tuple, list or dict of such tensors that share N.
            loss: a 0-dim tensor made from ``outputs``, a tensor of shape `(N,)`, or a callable:
                ``loss(outputs, *args)`` returns either.
            *args: further arguments of a callable loss.
            scale: the factor, finite.

        Returns:
            The original loss, detached, 0-dim.

        Raises:
            TypeError: if an argument is of the wrong kind or dtype.
            ValueError: if a value or shape is wrong, the loss hides a derivative, or no output
                requires grad.
        """
        if not isinstance(scale, Tensor) or scale.device.type == "cpu":
            scale = check_real("scale", scale)
        result = self._newton_step(outputs, loss, args)
        self._backpropagate(result, scale)
        return result.value

    @property
    def diagnostics(self) -> dict[str, Tensor]:
        """What the last step did; nothing is read from the device until a value is.

        On CUDA, the eigenvalues of C are computed when this is looked at, which waits.

        Keys: ``loss``, ``damping`` (λ), ``gradient_norm`` and ``step_norm`` (root mean square over
        samples of `‖g_i‖` and `‖s_i‖`), ``nonfinite_samples`` and ``fallbacks`` (samples left out,
        matrices that could not be inverted) and their totals ``total_nonfinite_samples``,
        ``total_fallbacks``; where the eigenvalues of C are treated, ``eigenvalue_min``,
        ``eigenvalue_max`` and ``damping_over_largest_eigenvalue`` (far above 1, the step is
        `g / λ`: plain, and short); of a curvature that tries several steps,
        ``failed_evaluations`` (losses at a candidate that were not finite) and
        ``samples_without_descent`` (those that got their gradient). Empty before the first step.
        """
        return {} if self._last is None else diagnostics_of(self._last, self._totals)

    def _newton_step(self, outputs: Any, loss: Any, args: tuple[Any, ...]) -> NewtonStep:
        flat = flatten_outputs(outputs)
        if not any(part.requires_grad for part in flat.parts):
            raise ValueError(
                "outputs must require grad: no parameter could be trained through them"
            )
        settings = replace(self._settings, damping=self.damping)
        result = newton_step(loss, outputs, args, {}, settings)
        self._last = replace(result, outputs=result.outputs.detached())
        samples, fallbacks = self._totals
        self._totals = (samples + result.nonfinite_samples, fallbacks + result.solution.fallbacks)
        return result

    def _backpropagate(self, result: NewtonStep, scale: float | Tensor) -> None:
        """Backpropagate `scale · (y - z*)`, over N for a mean, through the network."""
        N, reduction = result.outputs.num_samples, self._settings.reduction
        steps = result.outputs.split(result.step * to_batch_scale(scale, N, reduction))
        pairs = [
            (part, step.to(part.dtype))
            for part, step in zip(result.outputs.parts, steps, strict=True)
            if part.requires_grad
        ]
        torch.autograd.backward([part for part, _ in pairs], [step for _, step in pairs])

    def _step(self, closure: Callable[[], Any] | None = None) -> Tensor | None:
        """The step itself, without hooks."""
        if closure is None:
            self._warn_of_plain_steps()
            self._plain_step()
            return None
        if not callable(closure):
            raise TypeError(f"closure must be callable, got {describe(closure)}")
        with torch.enable_grad():
            returned = closure()
            if returned is None:
                self._plain_step()
                return None
            outputs, loss, args = parse_returned(returned)
            result = self._newton_step(outputs, loss, args)
            if needs_closure(type(self.base)):
                self.base.step(self._closure_to_target(closure, result))  # type: ignore[arg-type]
            else:
                self.base.zero_grad()
                self._backpropagate(result, 1.0)
                self.base.step()
        return result.value

    def _plain_step(self) -> None:
        if needs_closure(type(self.base)):
            name = type(self.base).__name__
            raise TypeError(f"{name} needs a closure for every step: {CONTRACT}")
        self.base.step()

    def _warn_of_plain_steps(self) -> None:
        """Once, if there was no Newton step before: a trainer may be calling ``step()`` itself."""
        if self._last is not None or self._warned:
            return
        self._warned = True
        logger.warning(
            "NewtonLossOptimizer: step() without a closure is a plain step, and no Newton step "
            "came before it. Where a trainer calls step(), wrap the loss in NewtonLoss and use the "
            "bare optimiser"
        )

    def _closure_to_target(
        self, closure: Callable[[], Any], first: NewtonStep
    ) -> Callable[[], Tensor]:
        """The distance to the fixed z*, for a base that evaluates more than once per step."""
        known = [first.outputs]

        def to_target() -> Tensor:
            with torch.enable_grad():
                outputs = known.pop() if known else flatten_outputs(parse_returned(closure())[0])
                self.base.zero_grad()
                loss = half_squared_distance(first, outputs, self._settings.reduction)
                loss.backward()
            return loss.detach()

        return to_target

    def __getstate__(self) -> dict[str, Any]:
        return {name: vars(self)[name] for name in ("base", "_settings", "_totals")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if "_last" not in vars(self):
            self._last = None
            self._add_hooks()

    def __repr__(self) -> str:
        s = self._settings
        return (
            f"NewtonLossOptimizer(curvature={s.curvature!r}, damping={self.damping!r}, "
            f"reduction={s.reduction!r})\n{self.base!r}"
        )
