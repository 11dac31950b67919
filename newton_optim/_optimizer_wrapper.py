"""An optimiser that is a view of another one: a `torch.optim.Optimizer` that copies nothing."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from torch.optim import Optimizer

from newton_optim._checks import describe


class OptimizerWrapper(Optimizer):
    """Param groups, state, defaults and state dict of a base optimiser, as live views.

    Schedulers, scalers and checkpoints may be handed the wrapper or the base: they see the same.
    Hooks are the wrapper's own. A subclass may keep entries of its own in the param groups
    (:meth:`_group_entries`, :meth:`_check_group`).

    Args:
        base: the optimiser that is wrapped.

    Raises:
        TypeError: if ``base`` is not an optimiser, or is wrapped already.
    """

    def __init__(self, base: Optimizer) -> None:
        if not isinstance(base, Optimizer) or isinstance(base, OptimizerWrapper):
            raise TypeError(f"base must be a bare torch.optim.Optimizer, got {describe(base)}")
        self.base = base
        self._add_hooks()

    def _add_hooks(self) -> None:
        """What `Optimizer.__init__` would make, and no copy of the base's groups."""
        self._optimizer_step_pre_hooks = OrderedDict()
        self._optimizer_step_post_hooks = OrderedDict()
        self._optimizer_state_dict_pre_hooks = OrderedDict()
        self._optimizer_state_dict_post_hooks = OrderedDict()
        self._optimizer_load_state_dict_pre_hooks = OrderedDict()
        self._optimizer_load_state_dict_post_hooks = OrderedDict()

    def _group_entries(self) -> dict[str, Any]:
        """What the wrapper keeps in every param group: plain numbers and strings."""
        return {}

    def _check_group(self, group: dict[str, Any]) -> None:
        """Refuse a param group of a state dict, before anything of it is loaded."""

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
        _complete(self.base.param_groups[-1:], self._group_entries())

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Reset the gradients of the base's parameters."""
        self.base.zero_grad(set_to_none=set_to_none)

    def state_dict(self) -> dict[str, Any]:
        """The base's state dict, with what the wrapper keeps in its param groups."""
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        state_dict = self.base.state_dict()
        for post_hook in self._optimizer_state_dict_post_hooks.values():
            changed = post_hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        return state_dict

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a state dict of this optimiser or of a bare one.

        Args:
            state_dict: as :meth:`state_dict` returns it. Param groups of a bare optimiser keep
                what this one has in them.

        Raises:
            ValueError: if it does not fit the base, or its param groups hold a wrong value; nothing
                is loaded.
        """
        state_dict = state_dict.copy()
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        for group in state_dict["param_groups"]:
            self._check_group(group)
        entries = self._group_entries()
        self.base.load_state_dict(state_dict)
        _complete(self.base.param_groups, entries)
        for post_hook in self._optimizer_load_state_dict_post_hooks.values():
            post_hook(self)


def _complete(groups: list[dict[str, Any]], entries: dict[str, Any]) -> None:
    """Add the entries to the param groups that lack them."""
    for group in groups:
        for name, value in entries.items():
            group.setdefault(name, value)
