"""Training as pure functions: losses, metrics, optimisers, schedules, one step, the whole program."""
