"""`mousai evaluate`: does the music follow the prompt, and how good does it sound? Judged without a listener.

Needs `mousai-music[evaluate]`; true renders of the same wishes also need `[compose]` and FluidSynth.
"""
