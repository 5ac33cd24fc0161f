"""Metrics of one clip, of pairs of waveforms and of whole sets of clips, with their intervals."""
