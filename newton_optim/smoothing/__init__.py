"""Smoothing of black boxes by noise: their derivatives are estimated from their values."""

from newton_optim.smoothing._fenchel_young import FenchelYoungLoss
from newton_optim.smoothing._stochastic import StochasticSmoothing

__all__ = ["FenchelYoungLoss", "StochasticSmoothing"]
