"""The speed of the library, as ratios: ``python -m benchmarks.speed`` (see ``--help``)."""
