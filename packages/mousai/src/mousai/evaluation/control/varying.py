"""Vary: does a recording become less like itself at every step of the strength?"""

from collections.abc import Sequence
from itertools import pairwise

from mousai.audio.writing import as_array
from mousai.conditioning.attributes import MusicAttributes
from mousai.evaluation.clips import Row
from mousai.evaluation.control.songs import ReferenceSong
from mousai.evaluation.control.workplace import PartResult, Workplace, centre, middle, rounded, share
from mousai.evaluation.features.waveform import Array
from mousai.evaluation.judges.beats import estimate_clock
from mousai.evaluation.metrics.reconstruction_metrics import chroma_cosine, log_mel_correlation

STRENGTHS = (0.2, 0.4, 0.6, 0.8)
PROMPT = "jazz trio, saxophone lead"


def measure_vary(place: Workplace, songs: Sequence[ReferenceSong]) -> PartResult:
    """Vary the first seconds of songs, their clock estimated as `mousai vary` does.

    Returns:
        rows, and the metrics `likeness_0_2` and so on (medians; beside them the likeness of the recording after the
        autoencoder alone, and by chance that of the recording and another one), and `falls`: the share of steps of the
        strength at which the median falls.
    """
    places = {song.digest: number for number, song in enumerate(songs)}
    seconds = place.lengths.vary
    decoding = {name: value for name, value in place.sampling.items() if name.startswith("decoder")}

    def measure(row: Row) -> tuple[Array, Row]:
        number = places[row["song"]]
        sound = songs[number].sound(place.rate, seconds)
        if not row["strength"]:
            coded = place.pipeline.decode(place.pipeline.encode(sound), length=sound.shape[1], **decoding)
            made, other = as_array(coded[0]), songs[(number + 1) % len(songs)].sound(place.rate, seconds)
            chance = rounded(likeness(sound, other, place.rate)) if len(songs) > 1 else None
            return made, {"likeness": rounded(likeness(sound, made, place.rate)), "likeness_of_others": chance}
        clock = estimate_clock(sound, sample_rate=place.rate)
        known = MusicAttributes() if clock is None else MusicAttributes(tempo=clock[0], first_downbeat=clock[1])
        given = {"init_audio": sound, "strength": row["strength"], "attributes": known, "seed": row["seed"]}
        made = as_array(place.pipeline(PROMPT, **given, **place.sampling).audios[0])
        return made, {"likeness": rounded(likeness(sound, made, place.rate))}

    others = [*songs[1:], *songs[:1]]
    plan: list[Row] = [
        {"song": song.digest, "strength": strength, "seed": place.seed + number}
        | ({} if strength else {"other": other.digest})
        for number, (song, other) in enumerate(zip(songs, others, strict=True))
        for strength in (0.0, *STRENGTHS)
    ]
    rows = place.measured("vary", plan, measure, "varying")
    coded = [row for row in rows if not row["strength"]]
    beside = {
        "reference": middle([row["likeness"] for row in coded]),
        "by_chance": middle([row["likeness_of_others"] for row in coded]),
    }
    metrics = {}
    for strength in STRENGTHS:
        found = [row["likeness"] for row in rows if row["strength"] == strength]
        metrics[f"likeness_{strength:g}".replace(".", "_")] = centre(found, "median", **beside)
    steps = [one["value"] > other["value"] for one, other in pairwise(metrics.values())]
    return PartResult(place.folder / "vary", rows, {"falls": share(steps), **metrics})


def likeness(recording: Array, made: Array, rate: int) -> float:
    """Mean of chroma cosine (the notes) and log-mel correlation (timbre and rhythm); 1 is the recording."""
    notes = chroma_cosine(recording, made, sample_rate=rate)
    return (notes + log_mel_correlation(recording, made, sample_rate=rate)) / 2
