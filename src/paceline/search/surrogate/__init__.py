"""Surrogate models: what a score is expected to be at configurations that weren't tried, and what follows from it."""
