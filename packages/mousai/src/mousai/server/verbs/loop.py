"""`{"verb": "loop"}`: whole bars, or a region of a recording, whose end runs into their beginning."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import ConfigDict, Field, create_model
from pydantic.config import JsonDict

from mousai.errors import UserError
from mousai.regions import Region
from mousai.server.files import StoredFile
from mousai.server.verbs.base import FileId, Made, Terms, attributes_of, setting_fields
from mousai.server.verbs.recording import RecordingInput
from mousai.settings import number_word
from mousai.verbs.command_line import option_words, setting_words, span_word

if TYPE_CHECKING:
    from mousai.pipeline import Mousai
    from mousai.server.files import FileStore

BARS = 8
"""Bars of a loop where nothing else is said."""
_EXAMPLE: JsonDict = {"verb": "loop", "prompt": "house groove, 124 bpm", "bars": 8}


class _Loop(RecordingInput):
    """A loop: of a sentence that names a tempo, in whole bars; or of a region of a recording."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    verb: Literal["loop"]
    recording: FileId | None = Field(default=None, description="recording of which a region is to loop")  # type: ignore[assignment]
    bars: int | None = Field(default=None, ge=1, le=1000, description="bars of four beats; 8 if not given")
    region: Annotated[list[float], Field(min_length=2, max_length=2)] | None = Field(
        default=None, description="[start, end] of the recording in seconds"
    )
    seam: float | None = Field(
        default=None, gt=0, le=20, description="seconds at the end of the region that are made anew"
    )

    def files(self) -> list[str]:
        """Return the ids of the recording and of the tune, where there are such."""
        return [*([] if self.recording is None else [self.recording]), *self.tune()]

    def passes(self, files: "FileStore") -> int:
        """Return one: a loop is made at once."""
        return 1

    def check(self, terms: Terms) -> None:
        """Raise `UserError` where it cannot be done."""
        from mousai.verbs.looping import loop_controls, wanted_bars

        if self.recording is not None:
            for name in ("chords", "melody", "section", "form"):
                if getattr(self, name) is not None:
                    raise UserError(name, hint="is for a new loop, not for one of a recording; leave one of them out")
            self._region(self.check_recording(terms))
            return
        for name in ("region", "seam", "first_downbeat", "inpaint_resamples"):
            if getattr(self, name, None) is not None:
                raise UserError(name, getattr(self, name), "is for a recording that is to loop; give recording too")
        if self.prompt is None:
            raise UserError("prompt", hint="say what the loop is like, or which recording is to loop")
        length = wanted_bars([self.prompt], self.bars or BARS, self.tempo)
        if length.seconds > terms.max_duration:
            raise UserError("bars", length.bars, f"are more than {terms.max_duration:g} s, the most on this server")
        if (plan := self.check_controls(terms)) is not None:
            loop_controls(plan, length)
        self.check_settings(terms)
        self.check_format(terms, sample_rate=terms.sample_rate, channels=terms.channels)

    def make(self, pipe: "Mousai", files: "FileStore") -> Made:
        """Do it."""
        if self.recording is not None:
            region = self._region(files.get(self.recording))
            wanted = {"start_seconds": region.start, "end_seconds": region.end, "seam_seconds": self.seam}
            return self.remake(pipe, files, source="audio", begins=region.start, **wanted)
        prompt = self.prompt or ""
        bars, known = self.bars or BARS, attributes_of(self)
        output = pipe.loop(
            prompt,
            bars=bars,
            tempo=self.tempo,
            negative_prompt=self.negative_prompt,
            seed=self.seed,
            attributes=known,
            **self.controls(files),
            **self.settings(),
        )
        words = ["loop", prompt, "--bars", str(bars), "--seed", str(self.seed)]
        words += ["--tempo", number_word(self.tempo)] if self.tempo is not None else []
        words += ["--key", self.key] if self.key is not None else []
        words += [*option_words({"negative_prompt": self.negative_prompt}), *self.control_words(files)]
        words += setting_words(self.settings())
        return Made(output=output, command=words)

    def words(self, file: StoredFile) -> list[str]:
        """Return the region as options."""
        region = self._region(file)
        seam = [] if self.seam is None else ["--seam", number_word(self.seam)]
        return ["--region", span_word(region.start, region.end), *seam]

    def _region(self, file: StoredFile) -> Region:
        """Return what is to loop; `UserError` where it is impossible."""
        from mousai.verbs.looping import Bars, check_loop_region

        known = self.known(file)
        if (self.region is None) == (self.bars is None):
            raise UserError("region", hint="say which part is to loop: region in seconds, or bars; one of the two")
        if self.region is not None:
            region = Region(*self.region)
        else:
            if known.tempo is None:
                raise UserError("bars", self.bars, "need the tempo; give tempo and first_downbeat")
            length = Bars(bars=self.bars or BARS, tempo=known.tempo)
            region = Region(known.first_downbeat, known.first_downbeat + length.seconds)
        recording: Any = file  # whose length is all that is looked at
        check_loop_region(region, recording, seam=self.seam)
        return region


LoopInput: Any = create_model(
    "LoopInput", __base__=_Loop, __doc__=_Loop.__doc__, **setting_fields(leave_out=("strength",))
)
"""Input of `loop`."""
