"""What a client may ask of a stream: at its start, and while it plays."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model

from mousai.conditioning.attributes import FASTEST, SLOWEST, MusicAttributes, parse_attributes
from mousai.conditioning.control_plan import control_plan
from mousai.server.live.encoding import check_format
from mousai.server.verbs.base import JobInput, Key, Lead, Terms, Text, setting_fields
from mousai.server.verbs.controls import Chords, Section, check_controls, read_chords

if TYPE_CHECKING:
    from mousai.pipeline import Mousai
    from mousai.streaming import MusicStream
    from mousai.streaming.stream_prompt import StreamPrompt


UpdateId = Annotated[str, Field(min_length=1, max_length=64)]


class Live(JobInput):
    """Music without end."""

    verb: Literal["live"] = "live"
    prompt: Text = Field(description="what the music is like")
    lead: Lead | None = Field(default=None, description="instrument that has the melody")
    chords: Chords | None = Field(default=None, description='a chord a bar, repeated without end: "Am F C G"')
    section: Section | None = Field(default=None, description="what the music is")
    format: Literal["s16le", "f32le", "opus"] = Field(
        default="s16le", description="interleaved samples of 16 bits, or floats; or Opus in pages of Ogg"
    )
    seconds: float | None = Field(default=None, gt=0, le=86400, description="end after so much music")

    def check(self, terms: Terms) -> None:
        """Raise `UserError` where it cannot be played."""
        from mousai.streaming.stream import stream_config

        stream_config(terms.defaults, self.settings())
        self.check_settings(terms)
        check_format(self.format, terms.sample_rate)
        check_controls([name for name in ("chords", "section") if getattr(self, name) is not None], terms.controls)
        self._prompt()

    def stream(self, pipe: "Mousai") -> "MusicStream":
        """Return the stream."""
        known = _attributes(self.tempo, self.key, self.lead)
        return pipe.stream(
            self.prompt,
            negative_prompt=self.negative_prompt,
            attributes=known,
            chords=read_chords(self.chords),
            section=self.section,
            seed=self.seed,
            **self.settings(),
        )

    def _prompt(self) -> "StreamPrompt":
        from mousai.streaming.stream_prompt import StreamPrompt

        plan = control_plan(chords=read_chords(self.chords), section=self.section)
        known = _attributes(self.tempo, self.key, self.lead)
        return StreamPrompt(prompt=self.prompt, known=known, controls=plan)


LiveInput: Any = create_model(
    "LiveInput", __base__=Live, __doc__=Live.__doc__, **setting_fields(leave_out=("strength",))
)
"""First message of a live session."""


_ID: TypeAdapter[str] = TypeAdapter(UpdateId)


class LiveUpdate(BaseModel):
    """Later message of a live session: what changes from the next bar on."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    type: Literal["update"] = "update"
    id: UpdateId | None = Field(default=None, description="name that the answer to it has too")
    prompt: Text | None = None
    negative_prompt: Text | None = None
    tempo: float | None = Field(default=None, ge=SLOWEST, le=FASTEST)
    key: Key | None = None
    lead: Lead | None = None
    chords: Chords | None = None
    section: Section | None = None


def id_of(message: Any) -> str | None:
    """Return the id of a message, which may make no sense otherwise; None where it has none that could be one."""
    try:
        return _ID.validate_python(message.get("id") if isinstance(message, dict) else None, strict=True)
    except ValidationError:
        return None


def changes_of(change: Mapping[str, Any]) -> dict[str, Any]:
    """Return an update as the arguments of `MusicStream.update`."""
    found = {name: change[name] for name in ("prompt", "negative_prompt", "section") if change.get(name) is not None}
    if change.get("chords") is not None:
        found["chords"] = read_chords(change["chords"])
    known = _attributes(change.get("tempo"), change.get("key"), change.get("lead"))
    return found if known == MusicAttributes() else {**found, "attributes": known}


def _attributes(tempo: float | None, key: str | None, lead: str | None) -> MusicAttributes:
    return MusicAttributes(tempo=tempo, key=None if key is None else parse_attributes(key).key, lead=lead)
