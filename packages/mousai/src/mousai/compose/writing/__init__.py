"""Writing a song: form, changes, melody, bass, chords, drums, and their performance in seconds."""
