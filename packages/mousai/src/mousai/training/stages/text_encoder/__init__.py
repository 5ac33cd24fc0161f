"""The text encoder of a model, which learns other wordings from its generator alone: no music is needed."""
