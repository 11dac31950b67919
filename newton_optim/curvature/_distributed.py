"""The curvature of a batch that is spread over ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from newton_optim._checks import describe

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup


def check_process_group(process_group: Any, scope: str) -> ProcessGroup | None:
    """``process_group`` if it is one (or `None`) and goes with ``scope``."""
    if process_group is None:
        return None
    if not torch.distributed.is_available() or not isinstance(
        process_group, torch.distributed.ProcessGroup
    ):
        raise TypeError(
            f"process_group must be a torch.distributed.ProcessGroup, got {describe(process_group)}"
        )
    if scope == "joint":
        raise ValueError(
            'process_group must be None with scope="joint": samples stay on their rank'
        )
    return process_group


def mean_over_ranks(matrices: Tensor, group: ProcessGroup | None) -> Tensor:
    """The mean `(m, m)` of matrices `(N, m, m)`, over all samples of all ranks."""
    if group is None:
        return matrices.mean(0)
    total = torch.cat([matrices.sum(0).flatten(), matrices.new_tensor([len(matrices)])])
    torch.distributed.all_reduce(total, group=group)
    return (total[:-1] / total[-1]).view(matrices.shape[1:])


def gather_rows(rows: Tensor, group: ProcessGroup | None) -> tuple[Tensor, slice]:
    """The rows `(N, m)` of all ranks, and which of them are this rank's."""
    if group is None:
        return rows, slice(None)
    rank, size = torch.distributed.get_rank(group), torch.distributed.get_world_size(group)
    counts = rows.new_zeros(size, dtype=torch.int64)
    counts[rank] = len(rows)
    torch.distributed.all_reduce(counts, group=group)
    lengths = counts.tolist()
    padded = torch.nn.functional.pad(rows, (0, 0, 0, max(lengths) - len(rows)))
    everyone = [torch.empty_like(padded) for _ in range(size)]
    torch.distributed.all_gather(everyone, padded.contiguous(), group=group)
    start = sum(lengths[:rank])
    all_rows = torch.cat([r[:n] for r, n in zip(everyone, lengths, strict=True)])
    return all_rows, slice(start, start + len(rows))
