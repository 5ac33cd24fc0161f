"""What a client may ask of a stream: at its start, and while it plays."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from mousai.conditioning.attributes import FASTEST, SLOWEST, MusicAttributes, parse_attributes
from mousai.server.verbs.base import JobInput, Key, Lead, Terms, Text, setting_fields

if TYPE_CHECKING:
    from mousai.pipeline import Mousai
    from mousai.streaming import MusicStream


class Live(JobInput):
    """Music without end."""

    verb: Literal["live"] = "live"
    prompt: Text = Field(description="what the music is like")
    lead: Lead | None = Field(default=None, description="instrument that has the melody")
    format: Literal["s16le", "f32le"] = Field(default="s16le", description="samples: 16 bits, or floats; interleaved")
    seconds: float | None = Field(default=None, gt=0, le=86400, description="end after so much music")

    def check(self, terms: Terms) -> None:
        """Raise `UserError` where it cannot be played."""
        from mousai.streaming.stream import stream_config

        stream_config(terms.defaults, self.settings())
        self.check_settings(terms)

    def stream(self, pipe: "Mousai") -> "MusicStream":
        """Return the stream."""
        known = _attributes(self.tempo, self.key, self.lead)
        return pipe.stream(
            self.prompt, negative_prompt=self.negative_prompt, attributes=known, seed=self.seed, **self.settings()
        )


LiveInput: Any = create_model(
    "LiveInput", __base__=Live, __doc__=Live.__doc__, **setting_fields(leave_out=("strength",))
)
"""First message of a live session."""


class LiveUpdate(BaseModel):
    """Later message of a live session: what changes from the next bar on."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    type: Literal["update"] = "update"
    prompt: Text | None = None
    negative_prompt: Text | None = None
    tempo: float | None = Field(default=None, ge=SLOWEST, le=FASTEST)
    key: Key | None = None
    lead: Lead | None = None


def changes_of(change: Mapping[str, Any]) -> dict[str, Any]:
    """Return an update as the arguments of `MusicStream.update`."""
    found = {name: change[name] for name in ("prompt", "negative_prompt") if change.get(name) is not None}
    known = _attributes(change.get("tempo"), change.get("key"), change.get("lead"))
    return found if known == MusicAttributes() else {**found, "attributes": known}


def _attributes(tempo: float | None, key: str | None, lead: str | None) -> MusicAttributes:
    return MusicAttributes(tempo=tempo, key=None if key is None else parse_attributes(key).key, lead=lead)
