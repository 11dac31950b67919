"""Property tests for anyone's loss: named properties, and strategies that construct inputs.

A property is a function that raises `AssertionError` with the numbers; `check_loss` runs all that
apply. `newton_optim.testing.strategies` makes what to feed them; it alone needs Hypothesis:
`pip install newton_optim[testing]`.
"""

from newton_optim.testing._check_loss import check_loss
from newton_optim.testing._conduct import (
    assert_deterministic,
    assert_inputs_unchanged,
    assert_usable,
)
from newton_optim.testing._identities import (
    assert_fixpoint,
    assert_lemma_2,
    assert_lemma_3,
    assert_mse_collapse,
)
from newton_optim.testing._invariances import (
    assert_coordinate_equivariant,
    assert_padding_ignored,
    assert_shift_invariant,
)
from newton_optim.testing._newton import assert_descent_direction, assert_doors_agree
from newton_optim.testing._numerics import (
    assert_derivatives_match,
    assert_finite,
    assert_float32_matches_float64,
)
from newton_optim.testing._report import LossReport, PropertyResult
from newton_optim.testing._samples import (
    assert_duplication_invariant,
    assert_sample_equivariant,
    assert_samples_independent,
)
from newton_optim.testing._smoothness import assert_twice_differentiable

__all__ = [
    "LossReport",
    "PropertyResult",
    "assert_coordinate_equivariant",
    "assert_derivatives_match",
    "assert_descent_direction",
    "assert_deterministic",
    "assert_doors_agree",
    "assert_duplication_invariant",
    "assert_finite",
    "assert_fixpoint",
    "assert_float32_matches_float64",
    "assert_inputs_unchanged",
    "assert_lemma_2",
    "assert_lemma_3",
    "assert_mse_collapse",
    "assert_padding_ignored",
    "assert_sample_equivariant",
    "assert_samples_independent",
    "assert_shift_invariant",
    "assert_twice_differentiable",
    "assert_usable",
    "check_loss",
]
