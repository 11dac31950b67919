"""Property tests for custom losses: named properties, and strategies that construct inputs.

A property is a function that raises ``AssertionError`` with the numbers; ``check_loss`` runs all
that apply. ``newton_optim.testing.strategies`` draws their inputs; only it needs Hypothesis:
``pip install newton_optim[testing]``.
"""

from newton_optim.testing._check_loss import check_loss
from newton_optim.testing._properties._contract import (
    assert_deterministic,
    assert_inputs_unchanged,
    assert_usable,
)
from newton_optim.testing._properties._dead_zone import assert_no_dead_zone
from newton_optim.testing._properties._descent import assert_descent_direction
from newton_optim.testing._properties._dtype import assert_dtype_kept
from newton_optim.testing._properties._entry_points_agree import assert_entry_points_agree
from newton_optim.testing._properties._finite import assert_finite
from newton_optim.testing._properties._fixpoint import assert_fixpoint
from newton_optim.testing._properties._float32 import assert_float32_matches_float64
from newton_optim.testing._properties._identity_steps import assert_identity_steps_like_base
from newton_optim.testing._properties._invariances import (
    assert_coordinate_equivariant,
    assert_shift_invariant,
)
from newton_optim.testing._properties._mse_collapse import assert_mse_collapse
from newton_optim.testing._properties._padding import assert_padding_ignored
from newton_optim.testing._properties._samples import (
    assert_batch_invariant,
    assert_duplication_invariant,
    assert_sample_equivariant,
    assert_samples_independent,
)
from newton_optim.testing._properties._smoothness import assert_twice_differentiable
from newton_optim.testing._properties._stated_derivatives import assert_derivatives_match
from newton_optim.testing._properties._two_newton_steps import assert_two_newton_steps_are_one
from newton_optim.testing._report import LossReport, PropertyResult

__all__ = [
    "LossReport",
    "PropertyResult",
    "assert_batch_invariant",
    "assert_coordinate_equivariant",
    "assert_derivatives_match",
    "assert_descent_direction",
    "assert_deterministic",
    "assert_dtype_kept",
    "assert_duplication_invariant",
    "assert_entry_points_agree",
    "assert_finite",
    "assert_fixpoint",
    "assert_float32_matches_float64",
    "assert_identity_steps_like_base",
    "assert_inputs_unchanged",
    "assert_mse_collapse",
    "assert_no_dead_zone",
    "assert_padding_ignored",
    "assert_sample_equivariant",
    "assert_samples_independent",
    "assert_shift_invariant",
    "assert_twice_differentiable",
    "assert_two_newton_steps_are_one",
    "assert_usable",
    "check_loss",
]
