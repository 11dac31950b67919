"""Hypothesis strategies for losses: outputs, labels, matrices, grids and seeds.

They construct what they promise and filter nothing. Numbers are multiples of ``scale / 1024``:
equal numbers are exactly equal, a difference is never a rounding error, and float32 represents
every number exactly. Tensors are on the default device. The docstring of each strategy says what it
shrinks to.
"""

try:
    import hypothesis as _hypothesis
except ImportError as error:
    raise ImportError(
        "newton_optim.testing.strategies needs Hypothesis: pip install newton_optim[testing]"
    ) from error

from newton_optim.testing.strategies._batches import batches
from newton_optim.testing.strategies._grids import grid_costs
from newton_optim.testing.strategies._labels import (
    class_labels,
    labels,
    permutations,
    rankings,
    seeds,
)
from newton_optim.testing.strategies._matrices import (
    indefinite_matrices,
    positive_definite_matrices,
    singular_matrices,
)
from newton_optim.testing.strategies._outputs import (
    distinct_outputs,
    outputs,
    saturated_outputs,
    tied_outputs,
    wide_outputs,
)

del _hypothesis

__all__ = [
    "batches",
    "class_labels",
    "distinct_outputs",
    "grid_costs",
    "indefinite_matrices",
    "labels",
    "outputs",
    "permutations",
    "positive_definite_matrices",
    "rankings",
    "saturated_outputs",
    "seeds",
    "singular_matrices",
    "tied_outputs",
    "wide_outputs",
]
