"""Hypothesis strategies for losses: outputs, labels, matrices, grids and seeds.

They construct what they promise and filter nothing. Numbers come from a grid (multiples of
`scale / 1024`), so that a tie is a tie, a difference is not a rounding error, and float32 holds
them exactly. What each strategy shrinks to is documented with it.
"""

try:
    import hypothesis as _hypothesis
except ImportError as error:
    raise ImportError(
        "newton_optim.testing.strategies needs Hypothesis: pip install newton_optim[testing]"
    ) from error

from newton_optim.testing._strategies_labels import (
    batches,
    class_labels,
    labels,
    permutations,
    rankings,
    seeds,
)
from newton_optim.testing._strategies_matrices import (
    grid_costs,
    indefinite_matrices,
    positive_definite_matrices,
    singular_matrices,
)
from newton_optim.testing._strategies_outputs import (
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
