"""Tests of the benchmarks, which mirror ``benchmarks/`` file for file.

Without a test of their own are ``runs/trainer.py``, a protocol that the type checker holds the
trainings to, and each ``__main__.py``, which the test of the command beside it runs.
"""
