"""Check all pairs on many batches, and print one JSON line for each report.

``python -m tests.testing.practice.measure [--seeds 20] [PAIR ...]``, with one thread.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import torch

from tests.testing.practice.pairs import PAIRS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", nargs="*", metavar="PAIR", help="names of pairs; all by default")
    parser.add_argument("--seeds", type=int, default=20, help="how many batches of each pair")
    options = parser.parse_args()
    unknown = set(options.pairs) - set(PAIRS)
    if unknown:
        parser.error(f"PAIR must be one of {sorted(PAIRS)}, got {sorted(unknown)}")
    torch.set_num_threads(1)
    for name in options.pairs or PAIRS:
        for side in ("right", "broken"):
            for seed in range(options.seeds):
                print(json.dumps(measured(name, side, seed), ensure_ascii=False), flush=True)


def measured(name: str, side: str, seed: int) -> dict[str, Any]:
    """What the report on one batch says, and the wall and processor seconds that it took."""
    start = time.perf_counter(), time.process_time()
    report = PAIRS[name].check(side, seed)
    return {
        "pair": name,
        "side": side,
        "seed": seed,
        "caught_by": PAIRS[name].caught_by,
        "failed": report.failed,
        "follows": [r.name for r in report.results if r.status == "follows"],
        "seconds": round(time.perf_counter() - start[0], 3),
        "cpu_seconds": round(time.process_time() - start[1], 3),
    }


if __name__ == "__main__":
    main()
