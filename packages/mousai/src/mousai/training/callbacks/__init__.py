"""Hooks of the trainer: average, checkpoints, log, samples, guards and ends."""
