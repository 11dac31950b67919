"""What C is, its damping and its solve.

The library's curvatures, and what a custom one is written with: the protocol
:class:`SupportsNewtonStep`, and :func:`damped_step` and :func:`resolve_damping`, which take a
damping of either kind.
"""

from newton_optim.curvature._base import SupportsNewtonStep
from newton_optim.curvature._damping import RelativeDamping, resolve_damping
from newton_optim.curvature._fisher import EmpiricalFisher
from newton_optim.curvature._gauss_newton import GaussNewton
from newton_optim.curvature._hessian import Hessian
from newton_optim.curvature._identity import Identity
from newton_optim.curvature._levenberg_marquardt import LevenbergMarquardt
from newton_optim.curvature._matrices import damped_step

__all__ = [
    "EmpiricalFisher",
    "GaussNewton",
    "Hessian",
    "Identity",
    "LevenbergMarquardt",
    "RelativeDamping",
    "SupportsNewtonStep",
    "damped_step",
    "resolve_damping",
]
