"""The sorting benchmark: ``python -m benchmarks.sorting`` (see ``--help``).

Networks learn to score four-digit numbers from the order of a few of them, through a relaxed sort.
"""
