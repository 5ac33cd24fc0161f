"""Everything that a piece is asked to be: text, music attributes, and the `Conditioning` that the sampler is given."""
