"""The composer's own error."""

from ..errors import UserError


class ComposeError(UserError, RuntimeError):
    """Error that keeps the composer from working, in one line that says what to do."""
