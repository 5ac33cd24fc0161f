"""Audio files as containers: whether one is whole, how long it is, and what else stands in it.

libsndfile reads a file that was cut short as if it were simply shorter, believes a length that is a guess, and stops
where the first of several joined files ends. All of this is read here from the container itself.
"""

from mousai.audio.containers.examine import Container, examine, state_of, wav_comment, what_follows

__all__ = ["Container", "examine", "state_of", "wav_comment", "what_follows"]
