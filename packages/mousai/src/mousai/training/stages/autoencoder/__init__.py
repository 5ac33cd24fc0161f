"""Stage 1, the autoencoder: its step, its phases, and how a run of it is put together."""
