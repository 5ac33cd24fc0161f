"""Verbs beside making a piece and editing one: loops and variations."""
