"""Stage 2, latent diffusion under text and attributes: its step, its adapters, and how a run of it is put together."""
