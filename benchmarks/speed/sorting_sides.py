"""Both sides of the sorting comparisons, on batches of 100 samples in float32.

The peers are written as the field writes them: plain PyTorch, ``F.binary_cross_entropy``, diffsort,
a Cholesky decomposition. What depends on the labels alone is prepared beforehand for the peers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from diffsort import DiffSortNet
from torch import Tensor

from benchmarks.sorting.field_operators import FieldNeuralSort, FieldSoftSort
from benchmarks.sorting.losses import permutation_matrix
from benchmarks.sorting.networks import NETWORKS, initial_parameters
from benchmarks.speed.sides import Sides, gradient_work
from benchmarks.speed.timing import Work
from newton_optim import EmpiricalFisher, LossDerivatives, newton_loss
from newton_optim.sorting import NeuralSort, RankingLoss, SoftSort, SortingNetwork

SAMPLES = 100
TEMPERATURES = {"SoftSort": 0.1, "NeuralSort": 1.0}  # The paper's.
DAMPING = 1.0


def softmax_sides(name: str, n: int, device: torch.device, second_order: bool) -> Sides:
    """``derivatives`` of SoftSort or NeuralSort against autograd on the probability form.

    Args:
        name: of the operator.
        n: how many scores are sorted.
        device: where.
        second_order: the peer is the paper's way: one gradient with its graph, and one backward
            pass for each of its n elements (over the sum of the batch, whose samples are
            independent, so that n passes serve all of them). Otherwise it is the gradient alone.
    """
    scores, labels = _scores_and_labels(n, device)
    temperature = TEMPERATURES[name]
    module = {"SoftSort": SoftSort, "NeuralSort": NeuralSort}[name](temperature=temperature)
    operator = {"SoftSort": FieldSoftSort, "NeuralSort": FieldNeuralSort}[name](temperature)
    loss = _probability_loss(operator, labels)
    ours = _derivatives(module, scores, labels)
    if second_order:
        return Sides(ours, lambda: _paper_derivatives(loss, scores))
    return Sides(ours, gradient_work(loss, scores))


def network_sides(n: int, distribution: str, device: torch.device) -> Sides:
    """``derivatives`` of an odd-even network against the gradient of diffsort."""
    scores, labels = _scores_and_labels(n, device)
    options: dict[str, Any] = {"steepness": 10.0, "distribution": distribution}
    peer = DiffSortNet("odd_even", n, device=str(device), **options)
    # Its matrix is element by rank; rounding takes entries beyond [0, 1].
    loss = _probability_loss(lambda y: peer(y)[1].mT.clamp(0.0, 1.0), labels)
    network = SortingNetwork(n, **options).to(device)
    return Sides(_derivatives(network, scores, labels), gradient_work(loss, scores))


def newton_sides(n: int, device: torch.device) -> Sides:
    """The Newton loss, minus the plain one, against the plain one: forward and backward."""
    scores, labels = _scores_and_labels(n, device)
    loss = RankingLoss(SoftSort(temperature=TEMPERATURES["SoftSort"]))
    plain = gradient_work(lambda y: loss(y, labels), scores)
    newton = gradient_work(lambda y: newton_loss(loss, y, labels), scores)
    return Sides(newton, plain, plain)


def training_sides(n: int, device: torch.device) -> Sides:
    """The same against a whole training step of the paper's network, Adam included."""
    newton, plain, _ = newton_sides(n, device)
    _, labels = _scores_and_labels(n, device)
    loss = RankingLoss(SoftSort(temperature=TEMPERATURES["SoftSort"]))
    generator = torch.Generator().manual_seed(0)
    network = NETWORKS["mnist"]
    drawn = initial_parameters(network, [generator])
    parameters = {name: value.to(device).requires_grad_() for name, value in drawn.items()}
    optimizer = torch.optim.Adam(parameters.values(), lr=1e-3)
    images = torch.rand(1, SAMPLES, n, 28, 4, 28, generator=generator, device="cpu").to(device)

    def step() -> None:
        optimizer.zero_grad()
        loss(network(parameters, images)[0], labels).backward()
        optimizer.step()

    return Sides(newton, step, plain)


def fisher_sides(m: int, device: torch.device) -> Sides:
    """The step of ``EmpiricalFisher`` against the Cholesky decomposition of F + λ I itself."""
    generator = torch.Generator().manual_seed(0)
    G = torch.randn(SAMPLES, m, generator=generator, device="cpu").to(device)
    derivatives = LossDerivatives(G.new_zeros(SAMPLES), G)
    curvature = EmpiricalFisher()

    def direct() -> Tensor:
        fisher = G.mT @ G / SAMPLES
        fisher.diagonal().add_(DAMPING)
        return torch.cholesky_solve(G.mT, torch.linalg.cholesky(fisher)).mT

    return Sides(lambda: curvature.newton_step(derivatives, DAMPING), direct)


def _scores_and_labels(n: int, device: torch.device) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(SAMPLES, n, generator=generator, device="cpu").to(device)
    labels = torch.rand(SAMPLES, n, generator=generator, device="cpu").to(device)
    return scores, labels


def _derivatives(operator: torch.nn.Module, scores: Tensor, labels: Tensor) -> Work:
    loss = RankingLoss(operator)

    def work() -> tuple[Tensor, Tensor | None]:
        derivatives = loss.derivatives(scores, labels)
        return derivatives.gradient, derivatives.hessian

    return work


def _probability_loss(
    operator: Callable[[Tensor], Tensor], labels: Tensor
) -> Callable[[Tensor], Tensor]:
    Q = permutation_matrix(labels)
    return lambda scores: F.binary_cross_entropy(operator(scores), Q)


def _paper_derivatives(loss: Callable[[Tensor], Tensor], scores: Tensor) -> tuple[Tensor, Tensor]:
    """Gradient and Hessian by double backward, a pass for every element of a gradient."""
    y = scores.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(y), y, create_graph=True)
    columns = [
        torch.autograd.grad(column.sum(), y, retain_graph=True)[0] for column in gradient.unbind(-1)
    ]
    return gradient, torch.stack(columns, dim=-1)
