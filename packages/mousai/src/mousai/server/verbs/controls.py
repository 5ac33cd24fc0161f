"""Chords, tune and form of an input, for a model that was trained to follow them."""

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, Field

from mousai.conditioning.control_plan import LONGEST_TEXT, ControlPlan, check_model, control_plan
from mousai.conditioning.notation.chord_sequences import BarChords, TimedChords, parse_bars, timed_chords
from mousai.conditioning.notation.melodies import Melody, melody_of_file
from mousai.errors import UserError
from mousai.server.verbs.base import FileId, Terms
from mousai.verbs.command_line import option_words

if TYPE_CHECKING:
    from mousai.server.files import FileStore, StoredFile

MOST_CHORDS = 500
Section = Literal["intro", "verse", "chorus", "break", "outro"]
Chord = Annotated[list[str | float], Field(min_length=2, max_length=2)]
Chords = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
"""Chords in bars; never the name of a file."""


class Controlled(BaseModel):
    """Fields of an input whose music follows chords, a tune or a form."""

    chords: Chords | Annotated[list[Chord], Field(min_length=1, max_length=MOST_CHORDS)] | None = Field(
        default=None,
        description='a chord a bar, repeated: "Am F C G", "Am:2 F:2", "Am | F G"; or in seconds: [["Am", 0], ["F", 2]]',
    )
    melody: FileId | None = Field(
        default=None, description="tune: id of an uploaded MIDI file, or of a recording of one voice"
    )
    melody_track: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="track of the MIDI file that has the tune, its name or its number"
    )
    melody_start: float | None = Field(
        default=None, ge=-3600, le=3600, description="second of the piece at which the tune begins; 0 if not given"
    )
    section: Section | None = Field(default=None, description="what all of the music is")
    form: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)] | None = Field(
        default=None, description='sections with their bars: "intro:4 verse:8 chorus:8 outro:4"'
    )

    def tune(self) -> list[str]:
        """Return the id of the tune's file, if there is one."""
        return [] if self.melody is None else [self.melody]

    def check_controls(self, terms: Terms) -> ControlPlan | None:
        """Return what is asked for, without the notes of a hummed tune, which are heard when its turn comes.

        Raises:
            UserError: the model cannot follow it, or it cannot be read.
        """
        asked = [name for name in ("chords", "melody", "section", "form") if getattr(self, name) is not None]
        check_controls(asked, terms.controls)
        for name, says in (("melody_track", "names a track of melody"), ("melody_start", "says where melody begins")):
            if getattr(self, name) is not None and self.melody is None:
                raise UserError(name, getattr(self, name), f"{says}; give that too")
        melody = None
        if self.melody is not None:
            file = terms.files.get(self.melody)
            if self.melody_track is not None and file.kind != "midi":
                raise UserError("melody_track", self.melody_track, "names a track of MIDI; melody is a recording")
            if file.kind == "midi":
                melody = self._tune(file)
        return control_plan(chords=read_chords(self.chords), melody=melody, section=self.section, form=self.form)

    def controls(self, files: "FileStore") -> dict[str, Any]:
        """Return the arguments of the pipeline."""
        given: dict[str, Any] = {"chords": read_chords(self.chords), "section": self.section, "form": self.form}
        if self.melody is not None:
            given["melody"] = self._tune(files.get(self.melody))
        return {name: value for name, value in given.items() if value is not None}

    def control_words(self, files: "FileStore") -> list[str]:
        """Return them as options of the command line; the tune has the name of its download."""
        names = ("chords", "melody", "melody_track", "melody_start", "section", "form")
        given = {name: getattr(self, name) for name in names}
        if self.chords is not None and not isinstance(self.chords, str):
            given["chords"] = json.dumps(self.chords)
        if self.melody is not None:
            given["melody"] = files.get(self.melody).file_name
        return option_words(given)

    def _tune(self, file: "StoredFile") -> Melody:
        midi, track = file.kind == "midi", self.melody_track
        melody = melody_of_file(file.path, midi=midi, track=track, written=file.file_name)
        return melody.moved(self.melody_start or 0.0)


def check_controls(asked: list[str], model: tuple[str, ...]) -> None:
    """Raise `UserError` for the first field that the served model cannot follow."""
    try:
        check_model(asked, model)
    except UserError as error:
        hint = "the served model was not trained to follow it; GET /v1/models lists what it follows under controls"
        raise UserError(error.field or "chords", hint=hint) from None


def read_chords(given: str | list[list[str | float]] | None) -> BarChords | TimedChords | None:
    """Read chords; a string is bars of chords, never a path.

    Raises:
        UserError: a name is no chord, with the nearest that is one.
    """
    if given is None:
        return None
    if isinstance(given, str):
        return parse_bars(given)
    return timed_chords([(symbol, start) for symbol, start in given])
