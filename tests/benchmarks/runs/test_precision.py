"""The precision of a network, within a block and nowhere else."""

from __future__ import annotations

import pytest
import torch

from benchmarks.runs.precision import PRECISIONS, network_precision

CPU = torch.device("cpu")


def flags() -> tuple[bool, bool]:
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize("name", PRECISIONS)
def test_tf32_is_allowed_within_the_block_of_its_name_alone(name: str) -> None:
    before = flags()
    with network_precision(name, CPU):
        assert flags() == (name == "tf32",) * 2
    assert flags() == before


@pytest.mark.parametrize("name", PRECISIONS)
def test_products_are_in_bfloat16_where_it_is_named(name: str) -> None:
    a = torch.randn(3, 3)
    with network_precision(name, CPU):
        assert (a @ a).dtype == (torch.bfloat16 if name == "bf16" else torch.float32)
    assert (a @ a).dtype == torch.float32


def test_the_flags_come_back_after_an_error() -> None:
    before = flags()
    with pytest.raises(ZeroDivisionError), network_precision("tf32", CPU):
        raise ZeroDivisionError
    assert flags() == before
