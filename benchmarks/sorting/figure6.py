"""Figure 6 of the paper: the gradient at five scores while one of them passes the others.

The scores are in their right order but for `x_1`, which goes from left to right; nothing is
trained. The paper prints neither τ, β nor λ: NeuralSort at τ = 1/3 and diffsort's logistic network
at β = 3 fill the axes of its panels (a) to (d). The Newton losses take C over all points of a
curve.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from benchmarks.runs.files import write_text
from benchmarks.runs.plots import make_grid, save_figure
from benchmarks.runs.results import Results
from benchmarks.runs.table import text_table
from benchmarks.sorting.field_operators import FieldNetwork, FieldNeuralSort
from benchmarks.sorting.losses import ProbabilityLoss
from newton_optim import EmpiricalFisher, newton_loss
from newton_optim.sorting import NeuralSort, RankingLoss, SortingNetwork

TEMPERATURE: Final = 1 / 3
STEEPNESS: Final = 3.0
# Fills the axis of the paper's panel (e), and a third of that of (f): no single λ fills both.
DAMPING: Final = 100.0
POINTS: Final = 401
_SCORES: Final = (-5.0, 0.0, 4.0, 8.0, 12.0)  # The second one moves.
_RANGE: Final = 10.0
_NETWORK: Final = "odd_even"

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Panel:
    """One panel of the figure.

    Args:
        name: its letter and what it shows.
        loss: scores and labels to the loss of each sample.
        spread: what all scores are multiplied by.
        newton: whether it shows the gradient of the Newton loss with the Fisher.
        paper: the largest label on the axis of the paper's panel, or ``None``.
    """

    name: str
    loss: Loss
    spread: float
    newton: bool
    paper: str | None


def panels() -> list[Panel]:
    """The panels of the paper, and the exact loss at the larger spread beside them."""
    cpu = torch.device("cpu")
    neural = ProbabilityLoss(FieldNeuralSort(TEMPERATURE)).plain
    network = FieldNetwork(_NETWORK, len(_SCORES), "logistic", STEEPNESS, cpu)
    logistic = ProbabilityLoss(network).plain
    ours = SortingNetwork(
        len(_SCORES), network=_NETWORK, distribution="logistic", steepness=STEEPNESS
    )
    exact_neural = RankingLoss(NeuralSort(temperature=TEMPERATURE), reduction="none")
    exact_logistic = RankingLoss(ours, reduction="none")
    return [
        Panel("(a) NeuralSort", neural, 1.0, False, "0.6"),
        Panel("(b) logistic network", logistic, 1.0, False, "0.4"),
        Panel("(c) NeuralSort, larger spread", neural, 2.0, False, "20,000"),
        Panel("(d) logistic network, larger spread", logistic, 2.0, False, "6,000"),
        Panel("(e) Newton loss (Fisher) of (c)", neural, 2.0, True, "0.04"),
        Panel("(f) Newton loss (Fisher) of (d)", logistic, 2.0, True, "0.10"),
        Panel("exact loss, NeuralSort, as (c)", exact_neural, 2.0, False, None),
        Panel("exact loss, logistic network, as (d)", exact_logistic, 2.0, False, None),
    ]


def gradients(panel: Panel) -> tuple[Tensor, Tensor]:
    """The places of `x_1`, shape `(P,)`, and each sample's gradient there, `(P, 5)`, float32."""
    moving = torch.linspace(-_RANGE, _RANGE, POINTS, device="cpu") * panel.spread
    scores = panel.spread * torch.tensor(_SCORES, device="cpu").repeat(POINTS, 1)
    scores[:, 1] = moving
    labels = torch.arange(len(_SCORES), dtype=torch.float32, device="cpu").expand(POINTS, -1)
    leaf = scores.requires_grad_()
    if panel.newton:
        curvature = EmpiricalFisher()
        loss = newton_loss(
            panel.loss, leaf, labels, curvature=curvature, damping=DAMPING, reduction="sum"
        )
    else:
        loss = panel.loss(leaf, labels).sum()
    (gradient,) = torch.autograd.grad(loss, leaf)
    return moving, gradient


def draw_figure6(folder: Path, device: torch.device) -> str:
    """Write ``figure6.png`` and ``figure6.txt`` to ``folder``, and return what to print.

    It takes a second on the CPU, whatever the device.
    """
    Results(folder)  # The folder exists now and is writable.
    found = [(panel, *gradients(panel)) for panel in panels()]
    figure, axes = make_grid(rows=(len(found) + 1) // 2, columns=2)
    for one, (panel, places, gradient) in zip(axes, found, strict=True):
        _draw(one, panel, places, gradient)
    save_figure(figure, folder / "figure6.png")
    text = _table([(panel, gradient) for panel, _, gradient in found])
    write_text(folder / "figure6.txt", text + "\n")
    return f"{text}\n\nIn {folder}: figure6.txt, figure6.png"


def _draw(axes: Any, panel: Panel, places: Tensor, gradient: Tensor) -> None:
    for index, column in enumerate(gradient.T):
        axes.plot(places.tolist(), column.tolist(), label=f"$x_{index}$", linewidth=0.8)
    axes.set(title=panel.name, xlabel="$x_1$", ylabel="gradient")
    axes.legend(fontsize="x-small", loc="best")


def _peak(gradient: Tensor) -> str:
    largest = gradient.abs().max().item()
    return f"{largest:,.0f}" if largest >= 100 else f"{largest:.2g}"


def _table(found: Sequence[tuple[Panel, Tensor]]) -> str:
    title = (
        f"Figure 6: the largest gradient (NeuralSort τ=1/3, logistic β={STEEPNESS:g}, "
        f"λ={DAMPING:g}, {POINTS} points; paper: the last label of the axis)"
    )
    lines = [(panel.name, _peak(gradient), panel.paper or "–") for panel, gradient in found]
    return text_table(title, ("", "ours", "paper"), lines)
