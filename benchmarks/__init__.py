"""Benchmarks, each a command: ``python -m benchmarks.sorting`` and its neighbours."""
