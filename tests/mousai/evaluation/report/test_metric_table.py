"""The tables of the terminal, by hand."""

from mousai.evaluation.metrics.statistics import Measurement, share_of
from mousai.evaluation.report.metric_table import comparison_lines, metric_lines


def test_a_row_for_each_metric_with_its_reference_beside_it() -> None:
    metrics = {
        "genre": Measurement(value=0.75, interval=(0.3, 0.954), total=4, count=3, reference=1.0),
        "reference.genre": Measurement(value=1.0, interval=(0.5, 1.0), total=4, count=4),
        "cpu_seconds": Measurement(value=5.25, interval=(5.0, float("nan")), total=4),
    }
    assert metric_lines(metrics) == [
        "metric       value   95 % interval     of      reference",
        "genre        75.0 %  30.0 % to 95.4 %  3 of 4  100.0 %",
        "cpu_seconds  5.25 s  5 s to –          4",
    ]


def test_a_column_for_each_set_of_clips() -> None:
    levels = {"clipped": share_of(0, 4), "silent": share_of(1, 4)}
    sets = {"one": {"genre": share_of(3, 4), "levels": levels}, "two": {"levels": levels}}
    assert comparison_lines(sets) == [
        "         one     two",
        "genre    75.0 %",
        "clipped  0.0 %   0.0 %",
        "silent   25.0 %  25.0 %",
    ]
