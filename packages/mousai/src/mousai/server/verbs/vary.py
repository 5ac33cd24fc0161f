"""`{"verb": "vary"}`: a recording made anew, from a little to all of it."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import ConfigDict, create_model
from pydantic.config import JsonDict

from mousai.server.verbs.base import Made, Terms, setting_fields
from mousai.server.verbs.recording import RecordingInput

if TYPE_CHECKING:
    from mousai.pipeline import Mousai
    from mousai.server.files import FileStore

_EXAMPLE: JsonDict = {"verb": "vary", "recording": "0123456789abcdef0123456789abcdef", "strength": 0.3}


class _Vary(RecordingInput):
    """A recording made anew: strength 0 is the recording itself, 1 a new piece of the same length."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    verb: Literal["vary"]

    @property
    def keeps_samples(self) -> bool:
        """Tell whether the result has samples of the recording: at strength 0 alone."""
        strength: float | None = getattr(self, "strength", None)
        return strength == 0

    def passes(self, files: "FileStore") -> int:
        """Return one: the whole is made at once."""
        return 1

    def check(self, terms: Terms) -> None:
        """Raise `UserError` where it cannot be done."""
        self.check_recording(terms)

    def make(self, pipe: "Mousai", files: "FileStore") -> Made:
        """Do it."""
        return self.remake(pipe, files, source="init_audio")


VaryInput: Any = create_model(
    "VaryInput", __base__=_Vary, __doc__=_Vary.__doc__, **setting_fields(leave_out=("inpaint_resamples",))
)
"""Input of `vary`."""
