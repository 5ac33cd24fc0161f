"""Model folders, safetensors, the hub, and files that are written whole or not at all."""
