"""From a song to its MIDI file, its waveform and its stems."""
