"""Whether a Newton loss helps a loss, which one, and why."""

from newton_optim._diagnosis._diagnose import diagnose
from newton_optim._diagnosis._diagnosis import Diagnosis

__all__ = ["Diagnosis", "diagnose"]
