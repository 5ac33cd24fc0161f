"""Ours beside other people's models of text to music: seconds, memory and parameters for the same length of music."""
