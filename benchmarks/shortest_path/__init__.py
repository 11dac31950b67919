"""The shortest-path benchmark: ``python -m benchmarks.shortest_path`` (see ``--help``).

Networks learn the costs of the tiles of a map from its cheapest path alone.
"""
