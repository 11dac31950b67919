"""Runs the command: ``python -m benchmarks.report``."""

from __future__ import annotations

import sys

from benchmarks.report.command import main

if __name__ == "__main__":
    sys.exit(main())
