"""Agreement of two courses of chords by mir_eval, as chord recognition is scored at MIREX."""

from collections.abc import Sequence

import numpy as np

from mousai.evaluation.features.waveform import Array
from mousai.evaluation.judges.chords import NO_CHORD, Segment


def majmin_recall(reference: Sequence[Segment], estimate: Sequence[Segment]) -> float:
    """Weighted chord symbol recall of major and minor triads by mir_eval; NaN where the reference has none.

    Args:
        reference: true chords.
        estimate: what a judge hears.

    Raises:
        ModuleNotFoundError: mir_eval is missing.
    """
    import mir_eval

    true, labels = _as_arrays(reference)
    found, heard = _as_arrays(estimate)
    found, heard = mir_eval.util.adjust_intervals(found, heard, true.min(), true.max(), NO_CHORD, NO_CHORD)
    both, one, other = mir_eval.util.merge_labeled_intervals(true, labels, found, heard)
    compared = mir_eval.chord.majmin(one, other)
    if not (compared >= 0).any():
        return float("nan")
    return float(mir_eval.chord.weighted_accuracy(compared, mir_eval.util.intervals_to_durations(both)))


def _as_arrays(segments: Sequence[Segment]) -> tuple[Array, list[str]]:
    return np.array([segment[:2] for segment in segments]), [segment[2] for segment in segments]
