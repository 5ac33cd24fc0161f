"""Stage 2, text to latent: `LatentDiffusion`, its config, and LoRA adapters."""
