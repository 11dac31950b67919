"""Whether a loss couples the samples of a batch."""

from __future__ import annotations

import torch
from torch import Tensor

from newton_optim._derivatives._evaluation import Products


def couples_samples(products: Products, hessian: Tensor, kept: Tensor) -> Tensor:
    """Whether the full Hessian has more than per-sample blocks: a 0-dim bool tensor.

    One product with a vector of random signs and sizes must equal that of the blocks alone. (Column
    sums `Σ_j H_ij` are in the blocks of a coupled loss; different entries tell them apart.)

    Args:
        products: from vectors `(k, N, m)` to their products with the full Hessian.
        hessian: the blocks `(N, m, m)`, zero where a sample is not kept.
        kept: the samples that are finite, `(N,)`.
    """
    N, m, _ = hessian.shape
    generator = torch.Generator("cpu").manual_seed(0)
    drawn = torch.randn(N, m, generator=generator, dtype=torch.float64, device="cpu")
    v = torch.where(kept[:, None], drawn.to(device=hessian.device, dtype=hessian.dtype), 0.0)
    product = torch.where(kept[:, None], products(v[None])[0], 0.0)
    expected = (hessian @ v[..., None])[..., 0]
    scale = torch.maximum(product.abs().max(), expected.abs().max())
    return (product - expected).abs().max() > 1e3 * torch.finfo(hessian.dtype).eps * scale
