"""Runs the command: ``python -m benchmarks.inverse``."""

from __future__ import annotations

import sys

from benchmarks.inverse.command import main

if __name__ == "__main__":
    sys.exit(main())
