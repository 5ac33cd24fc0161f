"""Chords, melodies and forms as people write them: symbols and bars, files, notes, a hummed tune."""
