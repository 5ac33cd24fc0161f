"""Chords, melody and form of pieces as they were asked for, before tempo and length of a piece are known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mousai.conditioning.attributes import MusicAttributes
from mousai.conditioning.controls import Controls
from mousai.conditioning.notation.chord_files import read_chords
from mousai.conditioning.notation.chord_sequences import BarChords, Span, TimedChords
from mousai.conditioning.notation.forms import Form, check_section, parse_form
from mousai.conditioning.notation.melodies import Melody, check_melody_file, read_melody
from mousai.errors import UserError
from mousai.settings import number_word

CONTROL_OF = {"chords": "chords", "melody": "melody", "section": "section", "form": "section"}
"""Control that a model must have, of `LatentDiffusionConfig.controls`, by the argument that asks for it."""
LONGEST_TEXT = 1500
"""Characters of one of them in a file's comment, which holds 16384 in all."""
NOT_STORED = "too many to store"
"""End of what a file says of more than that."""


@dataclass(frozen=True, kw_only=True)
class ControlPlan:
    """Chords, melody and form that a call asks for; bars become seconds once the tempo is known (`placed`).

    Args:
        chords: chords in bars or seconds.
        melody: notes of the tune.
        section: name of the section that the whole piece is.
        form: sections in bars.

    Raises:
        UserError: both a section and a form are given.
    """

    chords: BarChords | TimedChords | None = None
    melody: Melody | None = None
    section: str | None = None
    form: Form | None = None

    def __post_init__(self) -> None:
        """Check what excludes each other."""
        if self.section is not None and self.form is not None:
            raise UserError("section", self.section, "is one section for the whole piece; give it or form")

    def duration(
        self, attributes: Sequence[MusicAttributes], given: float | None, *, most: float = math.inf
    ) -> float | None:
        """Return the seconds of the pieces: those that were given, or as many as the form takes; None where none does.

        Args:
            attributes: of each piece.
            given: seconds that were asked for; None where none were.
            most: seconds that a piece may last.

        Raises:
            UserError: the form takes longer, its bars have no tempo, or the pieces' tempos make different lengths.
        """
        if self.form is None:
            return given
        tempos = [_tempo("form", one) for one in attributes]
        lengths = [one.first_downbeat + self.form.seconds(tempo) for one, tempo in zip(attributes, tempos, strict=True)]
        longest = max(lengths)
        if longest > most:
            raise UserError("form", self.form.written, f"lasts {longest:.0f} s; a piece lasts {most:g} s at most")
        if given is not None:
            if given < longest - 1e-6:
                tempo = tempos[lengths.index(longest)]
                hint = f"is shorter than form, {self.form.bars} bars, {longest:.2f} s at {tempo:g} bpm"
                raise UserError("duration", given, f"{hint}; leave duration out, or give fewer bars")
            return given
        if longest - min(lengths) > 1e-6:
            hint = (
                f"lasts {min(lengths):.2f} to {longest:.2f} s at the prompts' tempos; give duration, or a call for each"
            )
            raise UserError("form", hint=hint)
        return longest

    def placed(self, attributes: MusicAttributes, start: float, end: float) -> Controls:
        """Return the controls of a piece in its seconds.

        Args:
            attributes: tempo and first downbeat of the piece, where bars begin.
            start: second at which the piece begins; below 0 where music is made before a recording.
            end: second at which it ends.

        Raises:
            UserError: bars have no tempo, or what is asked for is longer than the piece.
        """
        chords: tuple[Span, ...] | None = None
        sections: tuple[Span, ...] | None = None
        if isinstance(self.chords, BarChords):
            clock = {"tempo": _tempo("chords", attributes), "first_downbeat": attributes.first_downbeat}
            chords = self.chords.placed(start, end, **clock)
        elif self.chords is not None:
            chords = self.chords.placed(start, end)
        if self.section is not None:
            sections = ((start, end, self.section),)
        if self.form is not None:
            clock = {"tempo": _tempo("form", attributes), "first_downbeat": attributes.first_downbeat}
            length = clock["first_downbeat"] + self.form.seconds(clock["tempo"])
            if length > end + 1e-3:  # a piece ends at a sample
                hint = (
                    f"{self.form.bars} bars last to {length:.2f} s at {clock['tempo']:g} bpm, the piece to {end:.2f} s"
                )
                raise UserError("form", hint=f"{hint}; give fewer bars")
            sections = self.form.placed(start, end, **clock)
        melody = None if self.melody is None else self.melody.placed(start, end)
        return Controls(chords=chords, melody=melody, sections=sections)

    def check_regions(self, regions: Sequence[tuple[float, float]]) -> None:
        """Raise `UserError` where chords or melody lie beside all that is made anew.

        Args:
            regions: (start, end) of each stretch of new music in the piece's seconds.
        """
        events: dict[str, Sequence[tuple[float, float, Any]]] = {}
        if self.melody is not None:
            events["melody"] = self.melody.notes
        if isinstance(self.chords, TimedChords):
            events["chords"] = self.chords.chords
        shown = ", ".join(f"{start:g} to {end:g} s" for start, end in regions)
        for name, spans in events.items():
            if not any(first < end and start < last for first, last, _ in spans for start, end in regions):
                hint = f"none of it lies in the new music, {shown}"
                raise UserError(name, hint=hint + ("; melody_start moves it there" if name == "melody" else ""))

    def written(self) -> dict[str, str]:
        """Return what was asked for by the names of the arguments, for the record of a piece.

        Of more than fits into a file's comment only the number of events is told.
        """
        found = {}
        if self.chords is not None:
            found["chords"] = _short(self.chords.written, f"{len(self.chords.chords)} chords")
        if self.melody is not None:
            found["melody"] = _short(self.melody.written, f"{len(self.melody.notes)} notes")
            if self.melody.chosen is not None:
                found["melody_track"] = self.melody.chosen
            if self.melody.start:
                found["melody_start"] = number_word(self.melody.start)
        if self.section is not None:
            found["section"] = self.section
        if self.form is not None:
            found["form"] = self.form.written
        return found


def control_plan(
    *,
    chords: Any = None,
    melody: Any = None,
    section: Any = None,
    form: Any = None,
    melody_track: str | int | None = None,
    melody_start: float = 0.0,
    model: Sequence[str] | None = None,
) -> ControlPlan | None:
    """Read what a user asks for; None where nothing is.

    Args:
        chords: see `read_chords`.
        melody: see `read_melody`.
        section: name of a section, of `SECTIONS`.
        form: see `parse_form`.
        melody_track: see `read_melody`.
        melody_start: see `read_melody`.
        model: controls that the model has, checked before anything that takes time; None: not checked.

    Raises:
        UserError: it cannot be read, or the model cannot follow it.
    """
    given = {"chords": chords, "melody": melody, "section": section, "form": form}
    asked = [name for name, value in given.items() if value is not None]
    if not asked:
        return None
    found_chords = None if chords is None else read_chords(chords)
    found_section = None if section is None else check_section(section)
    found_form = None if form is None else parse_form(form)
    ControlPlan(section=found_section, form=found_form)
    if melody is not None:
        check_melody_file(melody)
    if model is not None:
        check_model(asked, model)
    return ControlPlan(
        chords=found_chords,
        melody=None if melody is None else read_melody(melody, track=melody_track, start=melody_start),
        section=found_section,
        form=found_form,
    )


def check_model(asked: Sequence[str], model: Sequence[str]) -> None:
    """Raise `UserError` for the first argument that a model cannot follow.

    Args:
        asked: arguments that were given, keys of `CONTROL_OF`.
        model: controls that the model has.
    """
    for name in asked:
        if CONTROL_OF[name] not in model:
            control = CONTROL_OF[name]
            has = ", ".join(one for one in dict.fromkeys(CONTROL_OF.values()) if one in model) or "none"
            hint = (
                f"this model was not trained with the control {control} (it has {has}); give one of which mousai info "
                f"lists {control}, or train one: mousai train latent-diffusion --config controls"
            )
            raise UserError(name, hint=hint)


def _tempo(field: str, attributes: MusicAttributes) -> float:
    if attributes.tempo is None:
        hint = "counts bars, which need a tempo: of a new piece in its prompt (100 bpm), of a recording as tempo"
        raise UserError(field, hint=hint + ("; or give chords with their seconds" if field == "chords" else ""))
    return attributes.tempo


def _short(text: str, instead: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{instead}, {NOT_STORED}"
