"""Which samples float32 can resolve at outputs that nobody gave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from newton_optim.testing._agreement import largest_explained
from newton_optim.testing._case import Case
from newton_optim.testing._evaluation import UnusableLossError
from newton_optim.testing._own_rounding import OWN_ROUNDINGS, own_rounding
from newton_optim.testing._quantities import gradient, has_hessian, hessian
from newton_optim.testing._rounding import Surroundings


@dataclass(frozen=True)
class Resolved:
    """The parts of a case that can be judged, and what is left out.

    Args:
        parts: the samples that are judged; where the Hessian is left out, declared as first order.
        remark: how many samples are left out, and why; empty if none is.
    """

    parts: tuple[Case, ...]
    remark: str

    @classmethod
    def of(cls, case: Case) -> Resolved:
        """A sample is left out where float32 cannot resolve its loss close to its target.

        Its Hessian is left out where the rounding of the loss's own operators is as large as the
        Hessian itself.
        """
        exact = case.to(torch.float64)
        if not has_hessian(exact):
            return cls((case,), "")
        around = Surroundings.of(exact, torch.float32)
        sharp = _is_sharp(around)
        noisy = ~sharp & _is_noise(around)
        first_order = replace(case, promises=case.promises | {"first_order"})
        parts = [(case, ~sharp & ~noisy), (first_order, noisy)]
        return cls(
            tuple(part.select(kept.nonzero().flatten()) for part, kept in parts if kept.any()),
            _describe(sharp, noisy) if (sharp | noisy).any() else "",
        )


def _is_sharp(around: Surroundings) -> Tensor:
    r"""Where the gradient changes by more than its size within the spacing of float32, `(N,)`.

    .. math:: \lVert ∇^2 l_i(y') \, ε \max(|y'|, 1) \rVert \ge \max_t \lVert g_i(t y_i) \rVert,
              \qquad 0 < t \le 1

    at outputs `y'` that equal an argument, where a likelihood has its peak. A scale of `e^{-30}` is
    such a case: no number of float32 lies within it.
    """
    case, size = around.case, around.size(gradient)
    N, m = case.y.shape
    sharp = torch.zeros_like(size, dtype=torch.bool)
    for there in _at_arguments(case):
        try:
            H = hessian(there).reshape(N, m, m)
        except UnusableLossError:
            continue
        spacing = around.eps * there.y.abs().clamp(min=1.0)
        change = (H * spacing[:, None, :]).flatten(1).norm(dim=1)
        sharp |= (change >= size) & (size > 0)
    return sharp


def _at_arguments(case: Case) -> Iterator[Case]:
    """The case at outputs, or with one coordinate of the outputs, equal to an argument."""
    yield from (case.at(target) for target in case.targets)
    N = case.num_samples
    for arg in case.args:
        if isinstance(arg, Tensor) and arg.is_floating_point() and arg.shape in {(N,), (N, 1)}:
            for j in range(case.y.shape[1]):
                y = case.y.clone()
                y[:, j] = arg.reshape(N)
                yield case.at(y)


def _is_noise(around: Surroundings) -> Tensor:
    """Where rounding every operator moves the Hessian by more than may be explained, `(N,)`."""
    moved = own_rounding(around.case, hessian, around.eps)
    return OWN_ROUNDINGS * moved > largest_explained(around, hessian)


def _describe(sharp: Tensor, noisy: Tensor) -> str:
    left_out = []
    if sharp.any():
        left_out.append(
            f"{int(sharp.sum())} of {len(sharp)} samples, whose loss bends within the spacing of "
            "float32 numbers"
        )
    if noisy.any():
        left_out.append(
            f"the Hessian of {int(noisy.sum())} of {len(noisy)} samples, which is as small as the "
            "rounding of the loss's operators"
        )
    return f"not judged: {' and '.join(left_out)}; name the spreads that occur with spreads="
