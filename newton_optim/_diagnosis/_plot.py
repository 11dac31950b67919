"""The loss along a line through the outputs, and where the recommended step ends on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from newton_optim._diagnosis._comparison import typical_size
from newton_optim._diagnosis._probe import Probe
from newton_optim.curvature._base import Curvature
from newton_optim.curvature._damping import Damping

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_POINTS = 81


@dataclass(frozen=True)
class Line:
    """The loss on `y + t D`, with rows of D of length 1, each downhill.

    Args:
        positions: the t, ascending; 0 and ``step_end`` are among them.
        values: the loss there; NaN where it cannot be evaluated.
        step_end: t where the step ends.
    """

    positions: list[float]
    values: list[float]
    step_end: float


def plot_loss(probe: Probe, curvature: Curvature, damping: Damping, *, has_hessian: bool) -> Figure:
    """Two panels: the loss along a random direction and along the worst one.

    Args:
        probe: the loss.
        curvature: of the step whose end is marked.
        damping: its λ.
        has_hessian: whether the worst direction is one of the Hessian; otherwise of the Fisher.

    Raises:
        ImportError: if Matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "Diagnosis.plot needs Matplotlib: pip install 'newton_optim[plot]'"
        ) from error
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    step = probe.step(probe.matrix, curvature, damping)
    for axes, (title, line) in zip(
        figure.subplots(1, 2), lines(probe, step, has_hessian=has_hessian).items(), strict=True
    ):
        _draw(axes, title, line)
    return figure


def _draw(axes: Any, title: str, line: Line) -> None:
    axes.plot(line.positions, line.values, color="C0", label="loss")
    for t, marker, label in ((0.0, "o", "outputs"), (line.step_end, "*", "after the step")):
        axes.plot([t], [line.values[line.positions.index(t)]], marker, label=label)
    axes.set(title=title, xlabel="distance that each sample moves", ylabel="loss")
    axes.legend(fontsize="small")


def lines(probe: Probe, step: Tensor, *, has_hessian: bool) -> dict[str, Line]:
    """The loss along both directions, and where ``step``, `(N, m)`, ends."""
    y = probe.matrix
    generator = torch.Generator("cpu").manual_seed(probe.seed)
    noise = torch.randn(y.shape, generator=generator, device="cpu").to(y)
    worst = worst_direction(probe, has_hessian=has_hessian)
    return {
        "a random direction": line_along(noise, probe, step),
        "the worst direction": line_along(worst.expand_as(y), probe, step),
    }


def worst_direction(probe: Probe, *, has_hessian: bool) -> Tensor:
    """The eigenvector `(m,)` of the most negative eigenvalue of C, or else of the largest."""
    if has_hessian:
        C = probe.second_derivatives(probe.matrix).hessian.mean(0)
    else:
        g = probe.derivatives(probe.matrix).gradient
        C = g.mT @ g
    w, Q = torch.linalg.eigh((C + C.mT) / 2)
    noise = 1e3 * len(w) * torch.finfo(w.dtype).eps * w.abs().max()
    column: Tensor = Q[:, 0 if w[0] < -noise else -1]
    return column


def line_along(direction: Tensor, probe: Probe, step: Tensor) -> Line:
    """The loss along ``direction``, `(N, m)`, far enough to see where ``step`` ends."""
    y = probe.matrix
    D = direction / direction.norm(dim=1, keepdim=True)
    uphill = (D * probe.derivatives(y).gradient).sum(1, keepdim=True) > 0
    D = torch.where(uphill, -D, D)
    step_end = -float((step * D).sum() / len(y))
    reach = 1.5 * max(abs(step_end), 0.5 * typical_size(y))
    grid = (reach * (2 * i / (_POINTS - 1) - 1) for i in range(_POINTS))
    positions = sorted({*grid, 0.0, step_end})
    return Line(positions, [probe.batch_value(y + t * D) for t in positions], step_end)
