"""Best of several pieces: the judges hear each of them and pick the one that is most like what was asked for."""

import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from mousai.arguments import check_count, check_seed
from mousai.audio.writing import as_array
from mousai.conditioning.attributes import MusicAttributes, key_name, parse_attributes
from mousai.conditioning.control_plan import control_plan
from mousai.errors import UserError
from mousai.evaluation.features.waveform import ANALYSIS_RATE, Array, mono, resample
from mousai.evaluation.judges.chords import Segment, estimate_chords
from mousai.evaluation.judges.classifier import log_softmax

if TYPE_CHECKING:
    from mousai.evaluation.judges.panel import JudgePanel
    from mousai.output import MousaiOutput
    from mousai.pipeline import Mousai

LEAST_RECALL = 0.02
"""Share of the chords heard as asked that counts for a piece in which fewer are."""
TEMPO_MISSED = -4.0
"""Log-probability that counts for a piece in another tempo than was asked for; in the right one it is 0."""


@dataclass(frozen=True, kw_only=True)
class PieceVerdict:
    """Verdict of the judges on one piece.

    Args:
        heard: what each judge names, by attribute: tempo in beats per minute, key, lead.
        asked: what was asked for, likewise; only what was.
        scores: log-probability that the judges give to what was asked for, by attribute.
    """

    heard: Mapping[str, str]
    asked: Mapping[str, str]
    scores: Mapping[str, float]

    @property
    def total(self) -> float:
        """Sum of the scores: 0 is certainty, and every step of -1 is a factor of e."""
        return sum(self.scores.values())

    def __str__(self) -> str:
        parts = [f"{name} {self.heard[name]} (asked {asked})" for name, asked in self.asked.items()]
        return f"{', '.join(parts)}; log-probability {self.total:.2f}"


def check_choice(prompt: str, attributes: MusicAttributes | None = None, chords: Any = None) -> MusicAttributes:
    """Return what a prompt and `attributes` ask for that the judges can hear.

    Raises:
        UserError: they ask for no tempo, key or lead, and there are no chords: no piece is nearer to it than another.
    """
    asked = parse_attributes(prompt).updated(attributes)
    if asked.tempo is None and asked.key is None and asked.lead is None and chords is None:
        hint = "names no tempo, key or lead, by which the judges could choose; name one, or leave best_of out"
        raise UserError("prompt", prompt, hint)
    return asked


def judge_piece(
    sound: Array, *, sample_rate: int, asked: MusicAttributes, chords: Sequence[Segment] = ()
) -> PieceVerdict:
    """Let the judges hear a piece.

    Args:
        sound: waveform [channels, samples].
        sample_rate: Hz.
        asked: what was asked for.
        chords: chords that were asked for, in the order of time.
    """
    from mousai.evaluation.features.extraction import extract_features
    from mousai.evaluation.features.pitch import pitch_spectrogram
    from mousai.evaluation.judges.key import KEYS
    from mousai.evaluation.judges.tempo import estimate_tempo, tempo_matches
    from mousai.evaluation.metrics.chord_recall import majmin_recall

    clip = resample(mono(sound), sample_rate, ANALYSIS_RATE)
    spectrogram, panel = pitch_spectrogram(clip, sample_rate=ANALYSIS_RATE), _panel()
    features = extract_features(clip, sample_rate=ANALYSIS_RATE, spectrogram=spectrogram)
    tempo = estimate_tempo(clip, sample_rate=ANALYSIS_RATE)
    keys = panel.key.log_probabilities(features["key"][None])[0]
    leads = log_softmax(panel.lead.scores(features["lead"][None])[0])
    heard = {
        "tempo": f"{tempo:.1f}",
        "key": KEYS[int(keys.argmax())],
        "lead": panel.lead.names[int(leads.argmax())],
    }
    wanted: dict[str, str] = {}
    scores: dict[str, float] = {}
    if asked.tempo is not None:
        wanted["tempo"] = f"{asked.tempo:g}"
        scores["tempo"] = 0.0 if tempo_matches(tempo, asked.tempo) else TEMPO_MISSED
    if asked.key is not None:
        wanted["key"] = key_name(asked.key)
        scores["key"] = float(keys[KEYS.index(wanted["key"])])
    if asked.lead is not None:
        wanted["lead"] = asked.lead
        scores["lead"] = float(leads[panel.lead.names.index(asked.lead)])
    if chords:
        recall = majmin_recall(chords, estimate_chords(clip, sample_rate=ANALYSIS_RATE, spectrogram=spectrogram))
        if not math.isnan(recall):
            heard["chords"], wanted["chords"] = f"{100 * recall:.0f} % right", "all"
            scores["chords"] = math.log(max(recall, LEAST_RECALL))
    return PieceVerdict(heard=heard, asked=wanted, scores=scores)


def best_of(
    pipe: "Mousai", prompt: str, count: int, *, seed: int | None = None, **arguments: Any
) -> tuple["MousaiOutput", PieceVerdict]:
    """Make `count` pieces, with the seeds `seed`, `seed + 1` and so on, and return the best of them with its verdict.

    They are made one after the other, and only the best one is kept. Its own seed makes it again alone.

    Args:
        pipe: the model.
        prompt: a sentence that names a tempo, a key or a lead; or there are chords.
        count: pieces to choose from.
        seed: of the first one; drawn at random if it is not given.
        **arguments: of `Mousai.__call__`.

    Raises:
        UserError: an argument is impossible, or the judges have nothing to choose by.
    """
    check_count(count, "best_of")
    if arguments.get("output_type") == "latent":
        raise UserError("output_type", "latent", "makes no sound that the judges could hear")
    first = secrets.randbelow(2**32) if seed is None else seed
    check_seed(first, count)
    if not isinstance(prompt, str):
        raise UserError("prompt", hint="must be one sentence; call it once for each")
    asked = check_choice(prompt, arguments.get("attributes"), arguments.get("chords"))
    plan = control_plan(chords=arguments.get("chords"), model=pipe.controls)
    best: tuple[MousaiOutput, PieceVerdict] | None = None
    for place in range(count):
        made = pipe(prompt, seed=first + place, **arguments)
        sound = as_array(made.audios[0])
        seconds = sound.shape[-1] / made.sample_rate
        chords = () if plan is None else plan.placed(asked, 0.0, seconds).chords or ()
        verdict = judge_piece(sound, sample_rate=made.sample_rate, asked=asked, chords=chords)
        if not verdict.scores:
            hint = "hold no major or minor triad, by which the judges could choose; name a tempo, a key or a lead too"
            raise UserError("chords", hint=hint)
        if best is None or verdict.total > best[1].total:
            best = made, verdict
    assert best is not None
    return best


@cache
def _panel() -> "JudgePanel":
    from mousai.evaluation.judges.panel import JudgePanel

    return JudgePanel.load()
