"""The two stages as Lightning modules, and what puts a run of each together from its config."""
