"""Losses that name their parts: an algorithm or a model, and what is made of its result."""

from newton_optim._composed._composed_loss import ComposedLoss, LossParts
from newton_optim._composed._huber import HuberLoss
from newton_optim._composed._mse import separable_part
from newton_optim._composed._parts import parts_of
from newton_optim._composed._poisson import PoissonLoss
from newton_optim._composed._residual_loss import ResidualLoss
from newton_optim._composed._separable import SeparableLoss, Whitened
from newton_optim._composed._squared import SquaredLoss

__all__ = [
    "ComposedLoss",
    "HuberLoss",
    "LossParts",
    "PoissonLoss",
    "ResidualLoss",
    "SeparableLoss",
    "SquaredLoss",
    "Whitened",
    "parts_of",
    "separable_part",
]
