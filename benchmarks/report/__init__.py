"""The report of finished runs of all families: ``python -m benchmarks.report`` (see ``--help``)."""
