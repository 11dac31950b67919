"""In which precision a network is computed; its loss is always in float32 or wider."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch

PRECISIONS: Final = ("fp32", "tf32", "bf16")


@contextmanager
def network_precision(name: str, device: torch.device) -> Iterator[None]:
    """The precision of what is computed within the block: of a network, forward or backward.

    Args:
        name: ``"fp32"``: float32 throughout, also in the convolutions of a GPU, where PyTorch
            shortens it by default. ``"tf32"``: products of matrices and convolutions in TF32, where
            the device has it. ``"bf16"``: in bfloat16, by autocast; the weights stay in float32.
        device: of the network.
    """
    products, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = products.allow_tf32, convolutions.allow_tf32
    products.allow_tf32 = convolutions.allow_tf32 = name == "tf32"
    # Without its cache of weights in bfloat16, which a graph of CUDA could not replay.
    half = torch.autocast(device.type, torch.bfloat16, enabled=name == "bf16", cache_enabled=False)
    try:
        with half:
            yield
    finally:
        products.allow_tf32, convolutions.allow_tf32 = before
