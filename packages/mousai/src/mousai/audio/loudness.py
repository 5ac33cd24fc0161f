"""K-weighting of ITU-R BS.1770-4, tables 1 and 2: two filters in a row, at 48 kHz, that weigh as hearing does."""

SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
"""Numerator and denominator of the first, which stands for the head."""
HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))
"""The same of the second."""
