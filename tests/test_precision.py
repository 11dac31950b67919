from __future__ import annotations

import pytest
import torch

from newton_optim._precision import to_widest, widest_dtype


@pytest.mark.parametrize(
    ("device", "dtype"),
    [("cpu", torch.float64), ("cuda", torch.float64), ("mps", torch.float32)],
)
def test_mps_alone_has_no_float64(device: str, dtype: torch.dtype) -> None:
    assert widest_dtype(torch.device(device)) is dtype


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_tensor_keeps_its_values(dtype: torch.dtype) -> None:
    x = torch.tensor([1.5, -2.0], dtype=dtype)
    wide = to_widest(x)
    assert wide.dtype is torch.float64
    assert wide.tolist() == [1.5, -2.0]
