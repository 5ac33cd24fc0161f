"""The error that is meant for the person at the keyboard."""


class UserError(ValueError):
    """Something the user can put right: a file, a setting, a missing program.

    The message is one line that names the thing and says what would do. The command line prints it without a traceback.
    """
