"""Central differences that know their own uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from newton_optim.testing._comparison import show, worst

OFFSETS = (-3, -1, 0, 1, 3)
"""Where a :class:`Difference` needs its function, in units of the step."""


@dataclass(frozen=True)
class Difference:
    """A central difference of rows `(N, k)`, and by how much it may be wrong."""

    value: Tensor
    uncertainty: Tensor

    @classmethod
    def of(cls, rows: Sequence[Tensor], h: float) -> Difference:
        """From the rows at the ``OFFSETS``, in steps of ``h``.

        A second difference is taken over three times the distance. For a smooth function the two
        differ by eight times the error of the first. For a function that jumps they differ by at
        least a third of it, also where the jump is at ``h`` itself.
        """
        far_minus, minus, _, plus, far_plus = rows
        value, far_value = (plus - minus) / (2 * h), (far_plus - far_minus) / (6 * h)
        return cls(value, 4 * (value - far_value).abs())

    def compare(self, what: str, expected: Tensor, noise: Tensor, outputs: Tensor) -> None:
        """Raise if ``expected`` differs by more than the uncertainty and ``noise`` allow.

        What is not finite is not judged.

        Raises:
            AssertionError: with the sample, the coordinate and both numbers.
        """
        allowed = self.uncertainty + noise
        error = (self.value - expected).abs()
        judged = self.value.isfinite() & expected.isfinite() & allowed.isfinite()
        wrong = ~(error <= allowed) & judged
        if wrong.any():
            i, j = divmod(worst(error, allowed, wrong), error.shape[1])
            raise AssertionError(
                f"{what}, sample {i}, coordinate {j}: autograd gives "
                f"{float(expected[i, j]):.6g}, finite differences {float(self.value[i, j]):.6g} "
                f"(± {float(allowed[i, j]):.2g}), at outputs {show(outputs[i])}"
            )
