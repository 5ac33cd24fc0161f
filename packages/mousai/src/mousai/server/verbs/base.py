"""What the input of every verb has: a prompt, a seed, the settings of sampling, and how the result is written."""

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field

from mousai.conditioning.attributes import FASTEST, SLOWEST, MusicAttributes, key_name, parse_attributes
from mousai.conditioning.leads import LEADS
from mousai.errors import UserError
from mousai.sampling_config import SamplingConfig
from mousai.settings import number_word, settings_of

if TYPE_CHECKING:
    from mousai.output import MousaiOutput
    from mousai.pipeline import Mousai
    from mousai.server.files import FileStore

LONGEST_TEXT = 2000
"""Most characters of a prompt as JSON: with all else that a file stores it has to fit into the file's comment."""
FORMATS = ("wav", "flac", "mp3", "ogg")
"""Containers of results."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a request is checked against before it is accepted.

    Args:
        defaults: settings that the model is best run with.
        sample_rate: of the model, Hz.
        channels: of the model.
        max_duration: most seconds of a piece.
        files: the store.
        controls: what the model follows beside tempo, key and lead, of `mousai info`.
        device: where the model computes.
        dtype: of its U-Nets; "auto" where each machine of a cluster settles it.
        compiled: whether they are compiled.
    """

    defaults: SamplingConfig
    sample_rate: int
    channels: int
    max_duration: float
    files: "FileStore"
    controls: tuple[str, ...] = ()
    device: str = "cpu"
    dtype: str = "auto"
    compiled: bool = False


@dataclass(frozen=True, kw_only=True)
class Made:
    """Result of a verb.

    Args:
        output: the sound with its settings.
        facts: what else is stored in the file.
        command: words behind `mousai` that make it again, but for those that name the model; none where the file's
            settings tell them, or no command makes it again.
    """

    output: "MousaiOutput"
    facts: Mapping[str, str] = field(default_factory=dict)
    command: Sequence[str] = ()


def _readable(text: str) -> str:
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("is not text; give it as UTF-8")
    if len(json.dumps(text)) > LONGEST_TEXT:
        raise ValueError(f"has {len(text)} characters; give a sentence or two, the model reads no more")
    return text


def _key(text: str) -> str:
    if parse_attributes(text).key is None:
        raise ValueError('must be a note and major or minor, such as "A minor"')
    return text


def _lead(text: str) -> str:
    if text not in LEADS:
        raise ValueError(f"must be one of {', '.join(LEADS)}")
    return text


Lead = Annotated[str, AfterValidator(_lead), Field(json_schema_extra={"enum": list(LEADS)})]
Text = Annotated[str, AfterValidator(_readable), Field(max_length=LONGEST_TEXT)]
FileId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", description="id of a file, from POST /v1/files")]


Key = Annotated[str, AfterValidator(_readable), AfterValidator(_key), Field(max_length=40)]


class JobInput(BaseModel):
    """Input of everything that waits in the queue: predictions and streams."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)

    verb: str
    negative_prompt: Text | None = Field(default=None, description="a sentence to stay away from")
    seed: int | None = Field(
        default=None, ge=0, lt=2**63, description="same seed, same music; drawn when the job is accepted if not given"
    )
    tempo: float | None = Field(
        default=None, ge=SLOWEST, le=FASTEST, description="beats per minute; counts for more than the prompt"
    )
    key: Key | None = Field(default=None, description='such as "A minor"; counts for more than the prompt')

    def settings(self) -> dict[str, Any]:
        """Return the settings of sampling that were given, by field."""
        values = {name: getattr(self, name, None) for name in settings_of(SamplingConfig)}
        return {name: value for name, value in values.items() if value is not None}

    def files(self) -> list[str]:
        """Return the ids of the files that it needs."""
        return []

    @abstractmethod
    def check(self, terms: Terms) -> None:
        """Raise `UserError` where it cannot be done, before it is accepted."""

    def check_settings(self, terms: Terms) -> None:
        """Raise `UserError` where the settings of sampling are impossible, or would not be used."""
        from mousai.exact.threads import check_exact

        config = terms.defaults.updated(self.settings())
        if config.exact:
            check_exact(device=terms.device, dtype=terms.dtype, compiled=terms.compiled)
        if self.negative_prompt is not None and config.guidance_scale == 1:
            hint = "uses no negative_prompt; give more, or leave it out"
            raise UserError("guidance_scale", config.guidance_scale, hint)

    def as_json(self) -> dict[str, Any]:
        """Return it as it is echoed: what was given, and the seed."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class VerbInput(JobInput):
    """Input of a prediction."""

    first_downbeat: float | None = Field(default=None, ge=0, lt=1e5, description="second at which a bar begins")
    response_format: Literal["wav", "flac", "mp3", "ogg"] = Field(default="wav", description="container of the result")

    def passes(self, files: "FileStore") -> int:
        """Return how often the model goes through both stages for it."""
        return 1

    @abstractmethod
    def make(self, pipe: "Mousai", files: "FileStore") -> Made:
        """Do it."""

    def check_format(self, terms: Terms, *, sample_rate: int, channels: int, peak: float = 0.0) -> None:
        """Raise `UserError` where the result could not be written in the container that is asked for."""
        from mousai.audio.encoding import can_encode
        from mousai.audio.outputs import HOLD_MORE

        container = self.response_format
        if peak > 1 and f".{container}" not in HOLD_MORE:
            raise UserError("response_format", container, "cannot hold this recording, which goes beyond ±1; use wav")
        if not can_encode(f".{container}", sample_rate, channels):
            hint = f"cannot hold {sample_rate} samples a second, the recording's rate; use wav"
            raise UserError("response_format", container, hint)


def setting_fields(*, leave_out: Sequence[str] = ()) -> dict[str, Any]:
    """Return a field for each setting of `SamplingConfig`, for `pydantic.create_model`.

    They have the names of the command line's options (`steps`); Python's (`num_inference_steps`) are taken too.
    """
    found: dict[str, Any] = {}
    for name, one in settings_of(SamplingConfig).items():
        if name in leave_out:
            continue
        shown = one.stored_as(name)
        bounds: dict[str, Any] = {}
        kind: Any = one.kind
        if one.choices is not None:
            kind = Literal[tuple(one.choices())]
        elif kind is not bool:
            bounds["gt" if one.above else "ge"] = one.low
            if one.high != float("inf"):
                bounds["le"] = one.high
        about = Field(
            default=None,
            description=one.help,
            validation_alias=AliasChoices(shown, name) if shown != name else None,
            serialization_alias=shown,
            **bounds,
        )
        found[name] = (kind | None, about)
    return found


def facts_of(known: MusicAttributes, *, before: float = 0.0) -> dict[str, str]:
    """Return what a result states of its clock, key and lead, where they are known beside the prompt.

    Args:
        known: attributes of the recording or the piece.
        before: seconds of new music before it.
    """
    facts: dict[str, str] = {}
    if known.tempo is not None:
        downbeat = (known.first_downbeat + before) % (4 * 60 / known.tempo)
        facts |= {"tempo": number_word(known.tempo), "first_downbeat": number_word(downbeat)}
    if known.key is not None:
        facts["key"] = key_name(known.key)
    if known.lead is not None:
        facts["lead"] = known.lead
    return facts


def attributes_of(given: VerbInput, lead: str | None = None, stored: MusicAttributes | None = None) -> MusicAttributes:
    """Return tempo, key, lead and first downbeat of an input; what it does not tell comes from `stored`."""
    stored = MusicAttributes() if stored is None else stored
    key = parse_attributes(given.key).key if given.key is not None else stored.key
    downbeat = stored.first_downbeat if given.first_downbeat is None else given.first_downbeat
    return MusicAttributes(tempo=given.tempo or stored.tempo, key=key, lead=lead, first_downbeat=downbeat)
