"""The optimiser: any torch optimiser, pulled to the target of a Newton step."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from newton_optim._checks import check_real, describe
from newton_optim._closure import CONTRACT, needs_closure, parse_returned
from newton_optim._newton_loss import distance
from newton_optim._outputs import flatten_outputs
from newton_optim._target import NewtonSettings, NewtonStep, newton_step
from newton_optim.curvature import Damping, RelativeDamping, SupportsNewtonStep, check_damping

logger = logging.getLogger("newton_optim")


class NewtonLossOptimizer(Optimizer):
    r"""Any torch optimiser, fed with the gradient of the Newton loss (`arXiv 2410.19055`_, Alg. 1).

    .. math:: z^\star_i = y_i - (C + λ I)^{-1} g_i, \qquad \nabla_y l^\star = (y - z^\star) / N

    It replaces `optimizer.step()`::

        optimizer = NewtonLossOptimizer(torch.optim.Adam(net.parameters()))
        loss = optimizer.step(lambda: (y := net(x), loss_fn(y, target)))

    `g_i`, C and λ are on the scale of the single sample's loss, whatever the reduction; the
    gradient that reaches the network is `(y - z*) / N` for `reduction="mean"` and `y - z*` for
    `"sum"`. The network is evaluated and differentiated once a step.

    `param_groups`, `state` and `defaults` are the base's own, and so is the state dict: checkpoints
    move between the bare optimiser and this one both ways. λ lives in the param groups, as
    `"damping"` and `"damping_kind"` (`"absolute"` or `"relative"`), where it may be changed while
    training (the first group counts); a checkpoint's λ wins over the constructor's.

    Args:
        base: the optimiser that steps. One that needs a closure (L-BFGS) gets the library's own,
            which evaluates the user's closure again, so that it must be repeatable, and measures
            `½‖z* - y‖²` to the fixed z*.
        curvature: as for :func:`newton_target`.
        damping: as for :func:`newton_target`.
        reduction: "mean" or "sum".
        error_on_nonfinite: as for :func:`newton_target`; parameters, gradients and state are as
            before when it raises.

    Raises:
        TypeError: if ``base`` is not an optimiser, or an argument is of the wrong kind.
        ValueError: if a value or name is wrong.

    .. _arXiv 2410.19055: https://arxiv.org/abs/2410.19055
    """

    _has_told = False  # Of a plain step before any Newton step; once is enough.

    def __init__(
        self,
        base: Optimizer,
        *,
        curvature: str | SupportsNewtonStep = "hessian",
        damping: float | RelativeDamping | None = None,
        reduction: str = "mean",
        error_on_nonfinite: bool = False,
    ) -> None:
        if not isinstance(base, Optimizer) or isinstance(base, NewtonLossOptimizer):
            raise TypeError(f"base must be a bare torch.optim.Optimizer, got {describe(base)}")
        self.base = base
        self._settings = NewtonSettings.checked(curvature, damping, reduction, error_on_nonfinite)
        self._last: NewtonStep | None = None
        self._totals: tuple[Tensor | int, Tensor | int] = (0, 0)
        self._add_hooks()
        self._write_damping(self._settings.damping, base.param_groups)

    def _add_hooks(self) -> None:
        """What `Optimizer.__init__` would make, and no copy of the base's groups."""
        self._optimizer_step_pre_hooks = OrderedDict()
        self._optimizer_step_post_hooks = OrderedDict()
        self._optimizer_state_dict_pre_hooks = OrderedDict()
        self._optimizer_state_dict_post_hooks = OrderedDict()
        self._optimizer_load_state_dict_pre_hooks = OrderedDict()
        self._optimizer_load_state_dict_post_hooks = OrderedDict()

    # What is the base's.

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The base's param groups."""
        return self.base.param_groups

    @param_groups.setter
    def param_groups(self, value: list[dict[str, Any]]) -> None:
        self.base.param_groups = value

    @property
    def state(self) -> Any:
        """The base's state."""
        return self.base.state

    @state.setter
    def state(self, value: Any) -> None:
        self.base.state = value

    @property
    def defaults(self) -> dict[str, Any]:
        """The base's defaults."""
        return self.base.defaults

    @defaults.setter
    def defaults(self, value: dict[str, Any]) -> None:
        self.base.defaults = value

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a param group to the base."""
        self.base.add_param_group(param_group)
        self._write_damping(self.damping, self.base.param_groups[-1:])

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Reset the gradients of the base's parameters."""
        self.base.zero_grad(set_to_none=set_to_none)

    # The state dict.

    def state_dict(self) -> dict[str, Any]:
        """The base's state dict; λ stands in its param groups."""
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        state_dict = self.base.state_dict()
        for post_hook in self._optimizer_state_dict_post_hooks.values():
            changed = post_hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        return state_dict

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a state dict of this optimiser or of a bare one, which leaves λ as it is.

        Raises:
            ValueError: if it does not fit the base, or its λ is not a damping; nothing is loaded.
        """
        state_dict = state_dict.copy()
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        before = self.damping
        for group in state_dict["param_groups"]:
            _read_damping(group, before)
        self.base.load_state_dict(state_dict)
        self._write_damping(before, [g for g in self.base.param_groups if "damping" not in g])
        for post_hook in self._optimizer_load_state_dict_post_hooks.values():
            post_hook(self)

    def __getstate__(self) -> dict[str, Any]:
        kept = ("base", "_settings", "_totals")
        return {name: vars(self)[name] for name in kept}

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

    # Damping.

    @property
    def damping(self) -> float | RelativeDamping:
        """λ as it stands in the first param group."""
        return _read_damping(self.base.param_groups[0], self._settings.damping)

    @damping.setter
    def damping(self, value: float | RelativeDamping | None) -> None:
        default = getattr(self._settings.curvature, "default_damping", 0.0)
        self._write_damping(check_damping(value, default), self.base.param_groups)

    @staticmethod
    def _write_damping(damping: Damping, groups: list[dict[str, Any]]) -> None:
        is_relative = isinstance(damping, RelativeDamping)
        for group in groups:
            group["damping"] = damping.c if isinstance(damping, RelativeDamping) else damping
            group["damping_kind"] = "relative" if is_relative else "absolute"

    # Steps.

    def step(  # type: ignore[override]
        self, closure: Callable[[], Any] | None = None
    ) -> Tensor | None:
        """One Newton step on the outputs, and one step of the base towards it.

        Args:
            closure: called once, with autograd on; must not call backward. Returns
                `(outputs, loss)` or `(outputs, loss_fn, *args)`, as for :func:`newton_target`;
                `None` asks for a plain step of the base on the gradients that are there, and so
                does a call without a closure. (If no Newton step or :meth:`backward` came before,
                the latter is logged as a warning, once: it may be a trainer that makes none.)

        Returns:
            The original loss, detached, 0-dim; `None` for a plain step.

        Raises:
            TypeError: if the closure returns anything else, or no closure is given to a base that
                needs one.
            ValueError: as :func:`newton_target`. Parameters, gradients and state are as before.
        """
        args: tuple[Any, ...] = (self, closure)
        kwargs: dict[str, Any] = {}
        for pre_hook in self._optimizer_step_pre_hooks.values():
            changed = pre_hook(self, args, kwargs)
            if changed is not None:
                args, kwargs = changed
        loss = _step(*args, **kwargs)
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

        For accumulation over k micro-batches (`scale=1/k`) and gradient scalers
        (`scale=scaler.scale(torch.ones(()))`, then `scaler.step(optimizer)`; a scaler that has
        scaled nothing yet has a `get_scale()`, but refuses to step).

        Args:
            outputs: as for :func:`newton_target`.
            loss: as for :func:`newton_target`.
            *args: further arguments of a callable loss.
            scale: the factor, finite.

        Returns:
            The original loss, detached, 0-dim.

        Raises:
            TypeError: as :func:`newton_target`.
            ValueError: as :func:`newton_target`, and where no output requires grad.
        """
        if not isinstance(scale, Tensor) or scale.device.type == "cpu":
            scale = check_real("scale", scale)
        result = self._newton_step(outputs, loss, args)
        self._pull(result, scale)
        return result.value

    def _newton_step(self, outputs: Any, loss: Any, args: tuple[Any, ...]) -> NewtonStep:
        flat = flatten_outputs(outputs)
        if not any(part.requires_grad for part in flat.parts):
            raise ValueError(
                "outputs must require grad: no parameter could be trained through them"
            )
        settings = NewtonSettings(
            self._settings.curvature,
            self.damping,
            self._settings.reduction,
            self._settings.error_on_nonfinite,
        )
        result = newton_step(loss, outputs, args, {}, settings)
        self._last = replace(result, outputs=result.outputs.detached())
        samples, fallbacks = self._totals
        self._totals = (samples + result.nonfinite_samples, fallbacks + result.solution.fallbacks)
        return result

    def _pull(self, result: NewtonStep, scale: float | Tensor) -> None:
        """Backpropagate `scale · (y - z*)`, over N for a mean, through the network."""
        if self._settings.reduction == "mean":
            scale = scale / result.outputs.num_samples
        steps = result.outputs.split(result.step * scale)
        pairs = [
            (part, step.to(part.dtype))
            for part, step in zip(result.outputs.parts, steps, strict=True)
            if part.requires_grad
        ]
        torch.autograd.backward([part for part, _ in pairs], [step for _, step in pairs])

    @property
    def diagnostics(self) -> dict[str, Tensor]:
        """What the last step did; nothing is read from the device until a value is.

        Keys: `loss`, `damping` (λ), `gradient_norm` and `step_norm` (root mean square over
        samples of ‖g_i‖ and ‖s_i‖), `nonfinite_samples` and `fallbacks` (samples left out, matrices
        that could not be inverted) and their totals `total_nonfinite_samples`, `total_fallbacks`;
        where the eigenvalues of C were computed, `eigenvalue_min`, `eigenvalue_max` and
        `damping_over_largest_eigenvalue` (far above 1, the step is `g / λ`: plain, and short).
        Empty before the first step.
        """
        if self._last is None:
            return {}
        last, solution = self._last, self._last.solution
        values: dict[str, Any] = {
            "loss": last.value,
            "damping": solution.damping,
            "gradient_norm": last.gradient.square().sum(-1).mean().sqrt(),
            "step_norm": last.step.square().sum(-1).mean().sqrt(),
            "nonfinite_samples": last.nonfinite_samples,
            "fallbacks": solution.fallbacks,
            "total_nonfinite_samples": self._totals[0],
            "total_fallbacks": self._totals[1],
        }
        if solution.eigenvalue_range is not None and solution.largest_eigenvalue is not None:
            values["eigenvalue_min"], values["eigenvalue_max"] = solution.eigenvalue_range
            values["damping_over_largest_eigenvalue"] = (
                solution.damping / solution.largest_eigenvalue
            )
        return {name: torch.as_tensor(value) for name, value in values.items()}


def _read_damping(group: dict[str, Any], default: Damping) -> Damping:
    """The damping of a param group; ``default`` where it has none."""
    if "damping" not in group:
        return default
    if group.get("damping_kind", "absolute") == "relative":
        return RelativeDamping(group["damping"])
    return check_damping(group["damping"], default)


def _step(self: NewtonLossOptimizer, closure: Callable[[], Any] | None = None) -> Tensor | None:
    """The step itself, without hooks."""
    if closure is None:
        _tell_of_plain_steps(self)
        _plain_step(self)
        return None
    if not callable(closure):
        raise TypeError(f"closure must be callable, got {describe(closure)}")
    with torch.enable_grad():
        returned = closure()
        if returned is None:
            _plain_step(self)
            return None
        outputs, loss, args = parse_returned(returned)
        result = self._newton_step(outputs, loss, args)
        if needs_closure(type(self.base)):
            self.base.step(_closure_to_target(self, closure, result))  # type: ignore[arg-type]
        else:
            self.base.zero_grad()
            self._pull(result, 1.0)
            self.base.step()
    return result.value


def _tell_of_plain_steps(self: NewtonLossOptimizer) -> None:
    """Once, if there was no Newton step before: a trainer that calls `step()` itself makes none."""
    if self._last is not None or self._has_told:
        return
    self._has_told = True
    logger.warning(
        "NewtonLossOptimizer: step() without a closure is a plain step, and there was no Newton "
        "step before it. Where a trainer calls step(), use the NewtonLoss of the loss with the "
        "bare optimiser"
    )


def _plain_step(self: NewtonLossOptimizer) -> None:
    if needs_closure(type(self.base)):
        raise TypeError(f"{type(self.base).__name__} needs a closure for every step: {CONTRACT}")
    self.base.step()


def _closure_to_target(
    self: NewtonLossOptimizer, closure: Callable[[], Any], first: NewtonStep
) -> Callable[[], Tensor]:
    """The distance to the fixed z*, for a base that evaluates more than once a step."""
    known = [first.outputs]

    def to_target() -> Tensor:
        with torch.enable_grad():
            outputs = known.pop() if known else flatten_outputs(parse_returned(closure())[0])
            self.base.zero_grad()
            loss = distance(first, outputs, self._settings.reduction)
            loss.backward()
        return loss.detach()

    return to_target
