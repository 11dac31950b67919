"""Runs the command: ``python -m benchmarks.sorting``."""

from __future__ import annotations

import sys

from benchmarks.sorting.command import main

if __name__ == "__main__":
    sys.exit(main())
