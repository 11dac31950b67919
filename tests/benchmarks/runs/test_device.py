"""The device that a flag names."""

from __future__ import annotations

import pytest
import torch

from benchmarks.runs.device import select_device
from benchmarks.runs.errors import InputError


def test_devices() -> None:
    assert select_device("cpu") == torch.device("cpu")
    assert select_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_a_device_is_one_of_the_choices() -> None:
    with pytest.raises(InputError, match="--device must be one of auto, cpu, cuda, got tpu"):
        select_device("tpu")
    with pytest.raises(InputError, match="--device must be one of cpu, cuda, got auto"):
        select_device("auto", ("cpu", "cuda"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_cuda_where_there_is_none_is_named() -> None:
    with pytest.raises(InputError, match="--device cuda: PyTorch sees no GPU"):
        select_device("cuda")
