"""Models of other libraries: their checkpoints read here, and ours written for them."""
