"""`mousai play` and its parts: where the sound goes, how it is made ahead of time, and the prompts that are typed."""
