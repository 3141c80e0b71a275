"""Many trials on one machine: prepared trials, executors with their queue, compiled programs, checkpoints."""
