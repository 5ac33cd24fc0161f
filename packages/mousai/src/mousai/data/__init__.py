"""Folders of music as training data: what is said of each file, captions made from it, and what is wrong."""
