"""`mousai evaluate --control`: what people do with a piece, measured on songs and prompts that no training saw.

A module for each verb; each measures row by row, so that an interrupted run goes on, and sums its rows up in metrics.
"""
