"""`{"verb": "generate"}`: a sentence in, music out."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import ConfigDict, Field, create_model

from mousai.arguments import check_together
from mousai.conditioning.attributes import MusicAttributes, parse_attributes
from mousai.conditioning.control_plan import ControlPlan
from mousai.errors import UserError
from mousai.server.verbs.base import FileId, Lead, Made, Terms, Text, VerbInput, attributes_of, facts_of, setting_fields
from mousai.server.verbs.controls import Controlled

if TYPE_CHECKING:
    from mousai.pipeline import Mousai
    from mousai.server.files import FileStore


class Generate(Controlled, VerbInput):
    """A piece of music from a sentence, or from a sentence and a recording to start from."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"prompt": "calm piano pop, 100 bpm", "duration": 20, "seed": 1}]}
    )

    verb: Literal["generate"] = "generate"
    prompt: Text = Field(description="what the music is like: style, tempo, key, instruments, mood")
    duration: float | None = Field(default=None, gt=0, le=3600, description="seconds of music; 20 if not given")
    lead: Lead | None = Field(default=None, description="instrument that has the melody", examples=["flute"])
    init_audio: FileId | None = Field(
        default=None, description="recording to start from instead of noise; the piece is as long as it"
    )

    def files(self) -> list[str]:
        """Return the ids of the recording to start from and of the tune, where there are such."""
        return [*([] if self.init_audio is None else [self.init_audio]), *self.tune()]

    def check(self, terms: Terms) -> None:
        """Raise `UserError` where it cannot be made."""
        given = {"seed": self.seed, "generator": None, "init_audio": self.init_audio, "duration": self.duration}
        check_together({**given, "output_type": "pt"}, self.settings())
        if self.duration is not None and self.duration > terms.max_duration:
            raise UserError("duration", self.duration, f"must be at most {terms.max_duration:g} on this server")
        if self.init_audio is not None:
            terms.files.recording(self.init_audio, field="init_audio")
        self._check_form(terms, self.check_controls(terms))
        self.check_settings(terms)
        self.check_format(terms, sample_rate=terms.sample_rate, channels=terms.channels)

    def _check_form(self, terms: Terms, plan: ControlPlan | None) -> None:
        """Raise `UserError` where a form is longer than a piece may be here, or than the one that is asked for."""
        if plan is not None and self.init_audio is None:
            known = parse_attributes(self.prompt).updated(attributes_of(self, self.lead))
            plan.duration([known], self.duration, most=terms.max_duration)

    def make(self, pipe: "Mousai", files: "FileStore") -> Made:
        """Make it."""
        known = attributes_of(self, self.lead)
        output = pipe(
            self.prompt,
            negative_prompt=self.negative_prompt,
            duration=self.duration,
            seed=self.seed,
            init_audio=None if self.init_audio is None else files.get(self.init_audio).path,
            attributes=None if known == MusicAttributes() else known,
            **self.controls(files),
            **self.settings(),
        )
        facts = facts_of(known)
        if self.init_audio is not None:
            facts["init_audio"] = files.get(self.init_audio).file_name
        if known != MusicAttributes():
            facts["beside_prompt"] = "attributes"  # which no option of the command line tells
        return Made(output=output, facts=facts)


GENERATE_SETTINGS = setting_fields(leave_out=("inpaint_resamples",))
"""Fields of the settings that a new piece has."""
GenerateInput: Any = create_model("GenerateInput", __base__=Generate, __doc__=Generate.__doc__, **GENERATE_SETTINGS)
"""Input of `generate`."""
