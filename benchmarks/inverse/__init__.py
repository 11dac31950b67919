"""The benchmark of inverse problems: ``python -m benchmarks.inverse`` (see ``--help``).

Networks invert models that can be simulated: they learn, without labels, to give the parameters
whose simulated signals are the ones that they are shown.
"""
