"""Both sides of the comparisons of training with a ranking loss, from scores and labels alike.

The peer is the field's loss: ``F.binary_cross_entropy`` of float32 probabilities. Batches have 100
samples in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn

from benchmarks.sorting.field_derivatives import FieldLoss
from benchmarks.speed.sides import Sides, gradient_work
from benchmarks.speed.timing import Work
from newton_optim.sorting import NeuralSort, RankingLoss, SoftSort, SortingNetwork

SAMPLES: Final = 100
TEMPERATURES: Final = {"SoftSort": 0.1, "NeuralSort": 1.0}  # The paper's.
OPERATORS: Final[dict[str, Callable[[int], nn.Module]]] = {
    "SoftSort": lambda n: SoftSort(temperature=TEMPERATURES["SoftSort"]),
    "NeuralSort": lambda n: NeuralSort(temperature=TEMPERATURES["NeuralSort"]),
    "odd-even network": SortingNetwork,
    "odd-even network, logistic": lambda n: SortingNetwork(n, distribution="logistic"),
}


def plain_sides(name: str, n: int, device: torch.device) -> Sides:
    """Forward and backward of the exact loss against those of the field's loss."""
    scores, labels = _draw(n, device)
    exact = RankingLoss(OPERATORS[name](n).to(device))
    field = FieldLoss(name.lower(), TEMPERATURES[name])
    return Sides(
        gradient_work(lambda y: exact(y, labels), scores),
        gradient_work(lambda y: field(y, labels).mean(), scores),
    )


def field_sides(name: str, n: int, device: torch.device) -> Sides:
    """Gradient and Hessian of the field's loss, in closed form against `torch.func`."""
    scores, labels = _draw(n, device)
    field = FieldLoss(name.lower(), TEMPERATURES[name])
    basis = torch.eye(n, device=device).unsqueeze(1).expand(n, *scores.shape)

    def closed_form() -> tuple[Tensor, Tensor | None]:
        found = field.derivatives(scores, labels)
        return found.gradient, found.hessian

    def functional() -> tuple[Tensor, Tensor]:
        gradient_of = torch.func.grad(lambda y: field(y, labels).sum())
        gradient, vjp, *_ = torch.func.vjp(gradient_of, scores)
        return gradient, torch.vmap(lambda v: vjp(v)[0])(basis).movedim(0, -1)

    return Sides(closed_form, functional)


def compiled_sides(name: str, n: int, second_order: bool, device: torch.device) -> Sides:
    """The exact loss through ``torch.compile(fullgraph=True)`` against itself.

    Args:
        name: in ``OPERATORS``.
        n: how many scores are sorted.
        second_order: ``derivatives`` with the Hessian; otherwise forward and backward.
        device: where.
    """
    scores, labels = _draw(n, device)
    loss = RankingLoss(OPERATORS[name](n).to(device))

    def derivatives(y: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        found = loss.derivatives(y, t)
        return found.value, found.gradient, found.hessian

    def work(function: Callable[[Tensor, Tensor], object]) -> Work:
        return lambda: function(scores, labels)

    if second_order:
        return Sides(work(torch.compile(derivatives, fullgraph=True)), work(derivatives))
    compiled = torch.compile(loss, fullgraph=True)
    return Sides(
        gradient_work(lambda y: compiled(y, labels), scores),
        gradient_work(lambda y: loss(y, labels), scores),
    )


def _draw(n: int, device: torch.device) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(SAMPLES, n, generator=generator, device="cpu").to(device)
    labels = torch.rand(SAMPLES, n, generator=generator, device="cpu").to(device)
    return scores, labels
