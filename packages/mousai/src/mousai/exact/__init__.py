"""Exact calls: the same bytes whatever the batch around a piece and whatever the threads of the process."""
