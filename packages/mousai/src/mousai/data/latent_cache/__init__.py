"""Songs encoded once, for every epoch of stage 2: `encode_songs` writes them, `read_latents` reads them."""

from mousai.data.latent_cache.encode import Encoded, encode_songs, encoder_fingerprint, fingerprint, load_stage_1
from mousai.data.latent_cache.read import CachedSong, cached_songs, is_latent_cache, read_latents

__all__ = [
    "CachedSong",
    "Encoded",
    "cached_songs",
    "encode_songs",
    "encoder_fingerprint",
    "fingerprint",
    "is_latent_cache",
    "load_stage_1",
    "read_latents",
]
