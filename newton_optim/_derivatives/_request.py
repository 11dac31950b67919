"""What a curvature asks of the derivative layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Needs = Literal["gradient", "hessian", "joint", "gauss_newton"]

NEEDS: Final = ("gradient", "hessian", "joint", "gauss_newton")


@dataclass(frozen=True)
class Request:
    """Which derivatives are computed, and how.

    Args:
        needs: "gradient": no more. "hessian": also `H_i` of every sample. "joint": also the full
            Hessian with its blocks across samples. "gauss_newton": also the Gauss-Newton matrices
            of a loss in two parts.
        chunk_size: how many columns of a matrix, or rows of a Jacobian, are computed at once; all
            for ``None``.
        check_independence: find out, by one more product, whether the loss couples samples
            (``needs="hessian"`` only).
        revisits: whether the loss is going to be evaluated at other outputs.
    """

    needs: Needs = "hessian"
    chunk_size: int | None = None
    check_independence: bool = False
    revisits: bool = False

    @property
    def second_order(self) -> bool:
        """Whether the loss itself is differentiated twice."""
        return self.needs in {"hessian", "joint"}
