"""Which operations make the host wait for a device, found by inspection on the CPU."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

WAITING = {  # Their kernels read an error code back, without an operation that says so.
    "aten::cholesky_inverse",
    "aten::_linalg_check_errors",
    "aten::_linalg_eigh",
    "aten::linalg_eig",
}


class Waits(TorchDispatchMode):
    """Notes the operations that need a value on the host before the next one can start."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        reads = {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape} & {*func.tags}
        name = func.name().partition(".")[0]
        if (reads and not _is_plain_index(name, args)) or name in WAITING:
            self.found.add(name)
        return func(*args, **(kwargs or {}))


def _is_plain_index(name: str, args: Any) -> bool:
    """An index by integers has a shape that is known; one by a mask has not."""
    is_index = name in {"aten::index", "aten::index_put", "aten::index_put_"}
    return is_index and not any(i is not None and i.dtype == torch.bool for i in args[1])
