"""Newton Losses for PyTorch: the curvature of the loss with respect to the network's outputs.

`Newton Losses: Using Curvature Information for Learning with Differentiable Algorithms` (Petersen,
Borgelt, Sutter, Kuehne, Deussen, Ermon; NeurIPS 2024, https://arxiv.org/abs/2410.19055).
"""

from newton_optim import curvature, paths, smoothing, sorting
from newton_optim._composed import (
    ComposedLoss,
    HuberLoss,
    PoissonLoss,
    ResidualLoss,
    SquaredLoss,
)
from newton_optim._derivatives import LossDerivatives
from newton_optim._diagnosis import Diagnosis, diagnose
from newton_optim._inject import InjectFisher, inject_fisher
from newton_optim._newton_loss import NewtonLoss, newton_loss
from newton_optim._optimizer import NewtonLossOptimizer
from newton_optim._target import newton_target
from newton_optim.curvature import (
    EmpiricalFisher,
    GaussNewton,
    Hessian,
    Identity,
    LevenbergMarquardt,
    RelativeDamping,
)

__all__ = [
    "ComposedLoss",
    "Diagnosis",
    "EmpiricalFisher",
    "GaussNewton",
    "Hessian",
    "HuberLoss",
    "Identity",
    "InjectFisher",
    "LevenbergMarquardt",
    "LossDerivatives",
    "NewtonLoss",
    "NewtonLossOptimizer",
    "PoissonLoss",
    "RelativeDamping",
    "ResidualLoss",
    "SquaredLoss",
    "curvature",
    "diagnose",
    "inject_fisher",
    "newton_loss",
    "newton_target",
    "paths",
    "smoothing",
    "sorting",
]

__version__ = "0.1.0"
