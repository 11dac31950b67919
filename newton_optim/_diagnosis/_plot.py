"""The loss along a line through the outputs, and where the recommended step ends on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from newton_optim._derivatives import LossDerivatives
from newton_optim._diagnosis._landscape import hessians, typical_size
from newton_optim._diagnosis._probe import LossFailedError, Probe
from newton_optim._reduction import reduce_loss
from newton_optim.curvature import Identity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from newton_optim._diagnosis._diagnosis import Diagnosis

_POINTS = 81


def plot_steps(d: Diagnosis, probe: Probe) -> Figure:
    """Two panels: a random direction and the worst one."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            'Diagnosis.plot needs Matplotlib: pip install "newton_optim[benchmarks]"'
        ) from error
    if d.median_gradient is None:
        raise ValueError(f"loss must have a finite gradient to be plotted: {d.verdict}")
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (title, line) in zip(figure.subplots(1, 2), lines(d, probe).items(), strict=True):
        _draw(axes, title, line)
    return figure


def lines(d: Diagnosis, probe: Probe) -> dict[str, Line]:
    """The loss along both directions."""
    y = probe.matrix
    found = probe.derivatives(y)
    curvature = Identity() if d.curvature is None else d.curvature
    step = probe.step(y, curvature, d.damping).step
    generator = torch.Generator("cpu").manual_seed(probe.seed)
    noise = torch.randn(y.shape, generator=generator, device="cpu").to(y)
    worst = worst_direction(d, probe, found)
    return {
        "a random direction": Line(probe, y, found, step, noise),
        "the worst direction": Line(probe, y, found, step, worst.expand_as(y)),
    }


def worst_direction(d: Diagnosis, probe: Probe, found: LossDerivatives) -> Tensor:
    """The eigenvector `(m,)` of the most negative eigenvalue of C, or of the largest."""
    if d.negative_curvature is None:
        C = found.gradient.mT @ found.gradient
    else:
        C = hessians(probe, probe.matrix).mean(0)
    w, Q = torch.linalg.eigh((C + C.mT) / 2)
    noise = 1e3 * len(w) * torch.finfo(w.dtype).eps * w.abs().max()
    column: Tensor = Q[:, 0 if w[0] < -noise else -1]
    return column


class Line:
    """The loss on `y + t D`, with rows of D of length 1, each downhill.

    ``position`` and ``value`` are lists of numbers; ``newton`` is where the step ends, ``slope``
    the derivative at 0.
    """

    def __init__(
        self, probe: Probe, y: Tensor, found: LossDerivatives, step: Tensor, direction: Tensor
    ) -> None:
        D = direction / direction.norm(dim=1, keepdim=True)
        D = torch.where((D * found.gradient).sum(1, keepdim=True) > 0, -D, D)
        self.newton = -float((step * D).sum() / len(y))
        reach = 1.5 * max(abs(self.newton), 0.5 * typical_size(y))
        positions = sorted({*torch.linspace(-reach, reach, _POINTS).tolist(), 0.0, self.newton})
        self.position: list[float] = []
        self.value: list[float] = []
        for t in positions:
            try:
                value = reduce_loss(probe.value(y + t * D), probe.reduction)
            except LossFailedError:
                continue
            self.position.append(t)
            self.value.append(float(value))


def _draw(axes: Any, title: str, line: Line) -> None:
    axes.plot(line.position, line.value, color="C0", label="loss")
    for t, marker, label in ((0.0, "o", "outputs"), (line.newton, "*", "after the step")):
        if t in line.position:
            axes.plot([t], [line.value[line.position.index(t)]], marker, label=label)
    axes.set(title=title, xlabel="length of the move of each sample", ylabel="loss")
    axes.legend(fontsize="small")
