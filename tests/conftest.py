"""What every test of the workspace shares."""

from hypothesis import settings

# No deadline: on a busy machine a quick example may take long once, and that is no failure. Nothing is printed or kept
# between runs either, so that a run in a fresh clone and one beside other work do the same.
settings.register_profile("mousai", deadline=None, max_examples=30, database=None)
settings.load_profile("mousai")
