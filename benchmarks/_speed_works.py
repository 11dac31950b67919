"""Both sides of every comparison of the speed table, on batches of 100 samples in float32.

The peers are written as the field writes them: plain PyTorch, `F.binary_cross_entropy`, diffsort,
a Cholesky decomposition. What depends on the labels alone is prepared beforehand for the peers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from diffsort import DiffSortNet
from torch import Tensor

from benchmarks._losses import permutation_matrix
from benchmarks._models import NETWORKS, initial_parameters
from benchmarks._speed_timing import Work
from newton_optim import EmpiricalFisher, LossDerivatives, newton_loss
from newton_optim.sorting import NeuralSort, RankingLoss, SoftSort, SortingNetwork

SAMPLES = 100
TEMPERATURES = {"SoftSort": 0.1, "NeuralSort": 1.0}  # The paper's.
DAMPING = 1.0


class Works(NamedTuple):
    """Our work and the peer's; and what to subtract from ours, if anything."""

    ours: Work
    peer: Work
    without: Work | None = None


def softmax_works(name: str, n: int, device: torch.device, second_order: bool) -> Works:
    """`derivatives` of SoftSort or NeuralSort against autograd on the probability form.

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
    operator = {"SoftSort": field_soft_sort, "NeuralSort": field_neural_sort}[name]
    loss = _probability_loss(lambda y: operator(y, temperature), labels)
    peer = (lambda: _paper_derivatives(loss, scores)) if second_order else _gradient(loss, scores)
    return Works(_derivatives(module, scores, labels), peer)


def network_works(n: int, device: torch.device) -> Works:
    """`derivatives` of an odd-even network against the gradient of diffsort."""
    scores, labels = _scores_and_labels(n, device)
    peer = DiffSortNet("odd_even", n, device=str(device), steepness=10.0, distribution="cauchy")
    # Its matrix is element by rank; rounding takes entries beyond [0, 1].
    loss = _probability_loss(lambda y: peer(y)[1].mT.clamp(0.0, 1.0), labels)
    network = SortingNetwork(n, steepness=10.0, distribution="cauchy").to(device)
    return Works(_derivatives(network, scores, labels), _gradient(loss, scores))


def newton_works(n: int, device: torch.device) -> Works:
    """The Newton loss, less the plain one, against the plain one: forward and backward."""
    scores, labels = _scores_and_labels(n, device)
    loss = RankingLoss(SoftSort(temperature=TEMPERATURES["SoftSort"]))
    plain = _gradient(lambda y: loss(y, labels), scores)
    newton = _gradient(lambda y: newton_loss(loss, y, labels), scores)
    return Works(newton, plain, plain)


def training_works(n: int, device: torch.device) -> Works:
    """The same against a whole training step of the paper's network, Adam included."""
    newton, plain, _ = newton_works(n, device)
    _, labels = _scores_and_labels(n, device)
    loss = RankingLoss(SoftSort(temperature=TEMPERATURES["SoftSort"]))
    generator = torch.Generator().manual_seed(0)
    network = NETWORKS["mnist"]
    drawn = initial_parameters(network, [generator])
    parameters = {name: value.to(device).requires_grad_() for name, value in drawn.items()}
    optimizer = torch.optim.Adam(parameters.values(), lr=1e-3)
    images = torch.rand(1, SAMPLES, n, 4, 28, 28, generator=generator, device="cpu").to(device)

    def step() -> None:
        optimizer.zero_grad()
        loss(network(parameters, images)[0], labels).backward()
        optimizer.step()

    return Works(newton, step, plain)


def fisher_works(m: int, device: torch.device) -> Works:
    """The step of `EmpiricalFisher` against the Cholesky decomposition of F + λ I itself."""
    generator = torch.Generator().manual_seed(0)
    G = torch.randn(SAMPLES, m, generator=generator, device="cpu").to(device)
    derivatives = LossDerivatives(G.new_zeros(SAMPLES), G)
    curvature = EmpiricalFisher()

    def direct() -> Tensor:
        fisher = G.mT @ G / SAMPLES
        fisher.diagonal().add_(DAMPING)
        return torch.cholesky_solve(G.mT, torch.linalg.cholesky(fisher)).mT

    return Works(lambda: curvature.newton_step(derivatives, DAMPING), direct)


def field_soft_sort(scores: Tensor, temperature: float) -> Tensor:
    """SoftSort, ascending: the softmax of `-|sorted(y)_i - y_j| / τ`."""
    distances = scores.sort(dim=-1).values.unsqueeze(-1) - scores.unsqueeze(-2)
    return torch.softmax(-distances.abs() / temperature, dim=-1)


def field_neural_sort(scores: Tensor, temperature: float) -> Tensor:
    """NeuralSort, ascending: the softmax of `((2 i - 1 - n) y_j - Σ_k |y_j - y_k|) / τ`."""
    n = scores.shape[-1]
    sums = (scores.unsqueeze(-1) - scores.unsqueeze(-2)).abs().sum(-1)
    scaling = 2 * torch.arange(1, n + 1, device=scores.device, dtype=scores.dtype) - 1 - n
    logits = scaling.unsqueeze(-1) * scores.unsqueeze(-2) - sums.unsqueeze(-2)
    return torch.softmax(logits / temperature, dim=-1)


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


def _gradient(loss: Callable[[Tensor], Tensor], scores: Tensor) -> Work:
    def work() -> Tensor | None:
        y = scores.detach().requires_grad_()
        loss(y).backward()
        return y.grad

    return work


def _paper_derivatives(loss: Callable[[Tensor], Tensor], scores: Tensor) -> tuple[Tensor, Tensor]:
    """Gradient and Hessian by double backward, a pass for every element of a gradient."""
    y = scores.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(y), y, create_graph=True)
    columns = [
        torch.autograd.grad(column.sum(), y, retain_graph=True)[0] for column in gradient.unbind(-1)
    ]
    return gradient, torch.stack(columns, dim=-1)
