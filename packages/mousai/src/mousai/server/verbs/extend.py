"""`{"verb": "extend"}`: a recording goes on from its end, or is led up to."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import ConfigDict, Field, create_model
from pydantic.config import JsonDict

from mousai.errors import UserError
from mousai.regions import CONTEXT, MIN_REGION, Region
from mousai.server.files import StoredFile, longest_at
from mousai.server.verbs.base import Made, Terms, setting_fields
from mousai.server.verbs.recording import RecordingInput
from mousai.settings import number_word

if TYPE_CHECKING:
    from mousai.pipeline import Mousai
    from mousai.server.files import FileStore

_EXAMPLE: JsonDict = {"verb": "extend", "recording": "0123456789abcdef0123456789abcdef", "after": 20}


class _Extend(RecordingInput):
    """New music after the end of a recording, before its start, or both."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    verb: Literal["extend"]
    after: float | None = Field(default=None, ge=MIN_REGION, le=3600, description="seconds after the end")
    before: float | None = Field(default=None, ge=MIN_REGION, le=3600, description="seconds before the start")

    def check(self, terms: Terms) -> None:
        import torch

        from mousai.audio.files import read_audio
        from mousai.editing import Recording, check_sounds

        if self.after is None and self.before is None:
            raise UserError("after", hint="say how far: after, before, or both")
        file = self.check_recording(terms)
        total = file.seconds + (self.after or 0.0) + (self.before or 0.0)
        longest = longest_at(file.sample_rate, terms.max_duration)
        if total > longest:
            name = "before" if self.after is None else "after"
            raise UserError(name, hint=f"makes {total:.0f} s together; at most {longest:g} s on this server")
        for first, wanted in ((True, self.before), (False, self.after)):
            if wanted is not None:
                start = 0.0 if first else max(0.0, file.seconds - CONTEXT)
                rate = file.sample_rate
                end = read_audio(file.path, sample_rate=rate, channels=file.channels, start=start, duration=CONTEXT)
                part = Recording(sound=torch.from_numpy(end), sample_rate=rate)
                check_sounds(part, first=first, field="recording")

    def regions_of(self, file: StoredFile) -> list[Region]:
        """Return what lies before and after the recording."""
        before, end = self.before or 0.0, (self.before or 0.0) + file.seconds
        lead_in = [Region(0.0, before)] if self.before else []
        return lead_in + ([Region(end, end + self.after)] if self.after else [])

    def words(self, file: StoredFile) -> list[str]:
        """Return how far, as options."""
        given = {"--after": self.after, "--before": self.before}
        return [word for name, seconds in given.items() if seconds is not None for word in (name, number_word(seconds))]

    def make(self, pipe: "Mousai", files: "FileStore") -> Made:
        file, before = files.get(self.recording), self.before or 0.0
        duration = file.seconds + before + (self.after or 0.0)
        return self.remake(pipe, files, begins=-before, inpaint_before_seconds=before, duration=duration)


ExtendInput: Any = create_model(
    "ExtendInput", __base__=_Extend, __doc__=_Extend.__doc__, **setting_fields(leave_out=("strength",))
)
"""Input of `extend`."""
