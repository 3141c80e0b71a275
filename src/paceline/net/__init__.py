"""The dense net: activations, norms, first weights, forward passes as pure functions."""
