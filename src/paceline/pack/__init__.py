"""Many trials on one machine: shapes, compiled programs, lanes, packs, checkpoints."""
