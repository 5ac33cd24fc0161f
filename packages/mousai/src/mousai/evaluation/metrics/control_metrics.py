"""Metrics of `mousai evaluate --control`, as part of the catalogue: `control.PART.NAME`."""

from collections.abc import Mapping

from mousai.evaluation.metrics.metric import Metric, number, share

_TRUE = "how the songs go on themselves"
_SONG = "the songs themselves"


def _share(description: str, reference: str = "") -> Metric:
    return share(description, requires="control", reference=reference)


def _number(description: str, unit: str = "", reference: str = "") -> Metric:
    return number(description, unit=unit, requires="control", reference=reference)


def _seam(what: str, reference: str = "") -> Metric:
    return _number(f"{what}: spectral flux at the borders over that at the piece's own beats, median", "", reference)


CONTROL_METRICS: Mapping[str, Metric] = {
    f"control.{name}": metric
    for name, metric in {
        "edit.outside": _share("edits outside of which every sample is the recording's"),
        "edit.seam": _seam("edit", _SONG),
        "extend.outside": _share("continuations before which every sample is the recording's"),
        "extend.seam": _seam("extend", _SONG),
        "extend.tempo": _share("continuations in the song's tempo within 1 %", _TRUE),
        "extend.beat": _share("continuations whose beat is within 30 ms of the song's grid", _TRUE),
        "extend.key": _share("continuations in the song's key", _TRUE),
        "loop.length": _share("loops as long as their bars, to the sample"),
        "loop.seam": _seam("loop"),
        "loop.step": _number("loop: step of the samples at the border over the largest in it, median"),
        "loop.tempo": _share("loops that repeat in their tempo within 1 %"),
        "chords.recall": _share("weighted recall of the major and minor triads asked for, mean", _SONG),
        "melody.cosine": _number("chroma cosine similarity with the tune, mean", "", _SONG),
        "vary.falls": _share("steps of the strength at which the median likeness falls"),
        **{
            f"vary.likeness_0_{tenths}": _number(
                f"likeness to the recording at strength 0.{tenths}, median", "", "the autoencoder alone"
            )
            for tenths in (2, 4, 6, 8)
        },
        "stream.first_sound": _number("first sound of a stream, median", "s"),
        "stream.speed": _number("seconds of a stream made in a second"),
        "stream.memory": _share("growth of the process over a long stream"),
        "stream.seam": _seam("stream"),
        "stream.change": _share(
            "changed prompts whose style is heard from two bars after the change on", "the prompts before the change"
        ),
    }.items()
}
