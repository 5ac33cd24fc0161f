"""The results of an evaluation: one HTML page, one JSON file and the table for the terminal."""
