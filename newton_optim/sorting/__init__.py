"""Differentiable sorting: relaxed sorts, sorting networks and the ranking loss over them."""

from newton_optim.sorting._network import SortingNetwork
from newton_optim.sorting._neural_sort import NeuralSort, neural_sort
from newton_optim.sorting._ranking_loss import RankingLoss
from newton_optim.sorting._soft_sort import SoftSort, soft_sort
from newton_optim.sorting._wiring import Wiring

__all__ = [
    "NeuralSort",
    "RankingLoss",
    "SoftSort",
    "SortingNetwork",
    "Wiring",
    "neural_sort",
    "soft_sort",
]
