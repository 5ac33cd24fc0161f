"""Judges: classifiers of genre, tempo, key and lead instrument that never met the model which they judge."""
