"""Which optimisers need a closure; what one must return is in test_bad_input.py."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from newton_optim._closure import needs_closure, parse_returned


@pytest.mark.parametrize(
    ("optimizer", "needed"),
    [(torch.optim.SGD, False), (torch.optim.Adam, False), (torch.optim.LBFGS, True)],
)
def test_only_a_closure_without_default_is_needed(optimizer: type, needed: bool) -> None:
    assert needs_closure(optimizer) is needed


def test_the_parts_of_what_was_returned() -> None:
    y, loss = torch.zeros(2), torch.zeros(())
    assert parse_returned((y, loss)) == (y, loss, ())

    def function(y: Tensor, *args: int) -> Tensor:
        return y

    assert parse_returned((y, function, 1, 2)) == (y, function, (1, 2))


def test_a_loss_that_is_a_tensor_takes_no_further_arguments() -> None:
    with pytest.raises(
        TypeError, match=r"closure must return .*got a loss that is a tensor, and f"
    ):
        parse_returned((torch.zeros(2), torch.zeros(()), 1))
