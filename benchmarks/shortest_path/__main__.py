"""Runs the command: ``python -m benchmarks.shortest_path``."""

from __future__ import annotations

import sys

from benchmarks.shortest_path.command import main

if __name__ == "__main__":
    sys.exit(main())
