"""Parts that several commands share: options, checks, recordings and latents in and out."""
