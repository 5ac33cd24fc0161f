"""Guards, removed one at a time: each removal must make a test fail."""
