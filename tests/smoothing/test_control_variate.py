from __future__ import annotations

import pytest
import torch

from newton_optim.smoothing._control_variate import check_control_variate, leave_one_out


@pytest.mark.parametrize("antithetic", [False, True])
def test_each_value_less_the_mean_of_the_others(antithetic: bool) -> None:
    values = torch.randn(6, 2, 3, dtype=torch.float64)
    left = leave_one_out(values, antithetic=antithetic)
    for s in range(6):
        own = {s, (s + 3) % 6} if antithetic else {s}
        others = [k for k in range(6) if k not in own]
        torch.testing.assert_close(left[s], values[s] - values[others].mean(0))


def test_the_three_choices_pass() -> None:
    for value in (True, False, "leave_one_out"):
        assert check_control_variate(value) == value
