"""Audio files in and out, containers, the limiter and loudness."""
