"""Chords, forms and melodies: texts, and files in the formats that are read."""

import json
import random
from pathlib import Path
from typing import Any

from benchmarks.reliability.mutate import mutated_bytes, mutated_json, mutated_text
from benchmarks.reliability.targets.base import Target, taken
from mousai.conditioning.attributes import MusicAttributes
from mousai.conditioning.control_plan import ControlPlan
from mousai.conditioning.notation.chord_files import read_chords
from mousai.conditioning.notation.forms import parse_form
from mousai.conditioning.notation.melodies import read_melody

_CHORDS = ("Am F C G", "Am:2 F:2 | C G/B", "Cmaj7 F#m7b5 N Bb13(#11) Esus4", "[]", '[["Am", 0], ["F", 2.5]]')
_FORMS = ("intro:4 verse:8 chorus:8 outro:4", "verse:1", "chorus:100 break:2")
_NOTES = ("[[0, 0.5, 60], [0.5, 1, 62]]", "[[0.0, 10.0, 127]]")
_LAB = "0.0 2.0 A:min\n2.0 4.0 C:maj7/3\n4.0 6.0 N\n"
_JAMS = {
    "annotations": [
        {"namespace": "beat", "data": []},
        {"namespace": "chord", "data": [{"time": 0.0, "duration": 2.0, "value": "A:min", "confidence": 1.0}]},
    ],
    "file_metadata": {"duration": 6.0},
}
_KINDS = ("chords", "chords", "chords", "form", "notes", "lab", "json", "jams", "mid", "mid")


class Notations(Target):
    """Chords, forms and melodies, read and placed in a piece of 100 bpm."""

    share = 0.12

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        import mido

        file = mido.MidiFile()
        for name, notes in (("tune", (69, 71, 72)), ("bass", (40, 43, 45))):
            track = mido.MidiTrack(
                [mido.MetaMessage("track_name", name=name), mido.MetaMessage("set_tempo", tempo=600000)]
            )
            for note in notes:
                track += [mido.Message("note_on", note=note, velocity=80, time=0)]
                track += [mido.Message("note_off", note=note, velocity=0, time=480)]
            file.tracks.append(track)
        file.save(folder / "tune.mid")
        self._midi = (folder / "tune.mid").read_bytes()

    def make(self, rng: random.Random, place: Path) -> Any:
        """Mutate one of the notations."""
        kind = rng.choice(_KINDS)
        if kind in ("chords", "form", "notes"):
            texts = {"chords": _CHORDS, "form": _FORMS, "notes": _NOTES}[kind]
            return [kind, mutated_text(rng, rng.choice(texts), texts)]
        if kind == "mid":
            data = mutated_bytes(rng, self._midi)
        elif kind == "lab":
            data = mutated_text(rng, _LAB, [_LAB]).encode("utf-8", "surrogatepass")
        else:
            values: Any = _JAMS if kind == "jams" else json.loads(_CHORDS[-1])
            data = mutated_json(rng, values).encode("utf-8", "surrogatepass")
        path = place / f"a.{kind}"
        path.write_bytes(mutated_bytes(rng, data) if kind != "mid" and rng.random() < 0.2 else data)
        return ["file", path.name]

    def run(self, case: Any, place: Path) -> bool:
        """Read it, and place it in time."""
        kind, text = case
        if kind == "form":
            return taken(lambda: _placed(ControlPlan(form=parse_form(text))))
        if kind == "notes" or text == "a.mid":
            given = text if kind == "notes" else str(place / text)
            return taken(lambda: _placed(ControlPlan(melody=read_melody(given))), lambda: read_melody(given, track="2"))
        given = text if kind == "chords" else str(place / text)
        return taken(lambda: _placed(ControlPlan(chords=read_chords(given))))


def _placed(plan: ControlPlan) -> None:
    plan.duration([MusicAttributes(tempo=100.0)], None, most=3600.0)
    plan.placed(MusicAttributes(tempo=100.0, first_downbeat=0.5), 0.0, 8.0)
    plan.written()
