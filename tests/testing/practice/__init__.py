"""Losses as people write them, each right and with a bug that is common in its field."""
