"""`mousai evaluate`: does generated music follow its prompts, and how good is the audio? Measured without listeners.

Needs `mousai-music[evaluate]`; reference renders of the same prompts also need `[compose]` and FluidSynth.
"""
