"""Controlled experiments, and what the trials of a study say about its hyperparameters."""
