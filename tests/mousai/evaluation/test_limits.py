"""Files of limits: what they may say, and which limits hold."""

from pathlib import Path

import pytest

from mousai.errors import UserError
from mousai.evaluation.config import EvaluationConfig
from mousai.evaluation.limits import Limit, check_measurable, failures, read_limits
from mousai.evaluation.metrics.catalogue import CATALOGUE
from mousai.evaluation.metrics.statistics import Measurement


def measured(value: float, *, reference: float | None = None) -> Measurement:
    return Measurement(value=value, interval=(value, value), total=10, reference=reference)


def write(folder: Path, text: str) -> Path:
    path = folder / "limits.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_kind_of_limit_is_read(tmp_path: Path) -> None:
    text = "genre: {at_least: 0.9}\nkey:\n  at_least_of_reference: 0.8\n  at_most: 1\nclipped: {at_most: 0}  # none\n"
    assert read_limits(write(tmp_path, text)) == (
        Limit(metric="genre", kind="at_least", value=0.9),
        Limit(metric="key", kind="at_least_of_reference", value=0.8),
        Limit(metric="key", kind="at_most", value=1.0),
        Limit(metric="clipped", kind="at_most", value=0.0),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("genre: {at_least: 0.9", "is not YAML: line 1: expected ',' or '}'"),
        ("", "must hold limits"),
        ("[genre]", "must hold limits"),
        ("gnre: {at_least: 0.9}", "'gnre' is not a metric; did you mean genre?"),
        ("beauty: {at_least: 0.9}", "'beauty' is not a metric; docs/evaluation.md lists them"),
        ("genre: 0.9", "genre: must be one or more of at_least, at_most, "),
        ("genre: {}", "genre: must be one or more of"),
        ("genre: {more_than: 0.9}", "genre: 'more_than' must be one of at_least"),
        ("genre: {at_least: high}", "genre: at_least 'high' must be a number"),
        ("genre: {at_least: true}", "genre: at_least True must be a number"),
        ("genre: {at_least: .nan}", "genre: at_least nan must be a number"),
        ("cpu_seconds: {at_most_of_reference: 2}", "cpu_seconds: has no reference"),
        ("genre: {at_least: 0.9}\ngenre: {at_least: 0.8}", "line 2: genre stands twice"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        read_limits(write(tmp_path, text))
    assert "limits.yaml" in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none.yaml.*: no such file"):
        read_limits(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("kind", "value", "limit", "reference", "failure"),
    [
        ("at_least", 0.9, 0.9, None, None),
        ("at_least", 0.89, 0.9, None, "key: 0.89, must be at least 0.9"),
        ("at_most", 0.0, 0.0, None, None),
        ("at_most", 1.0, 0.0, None, "key: 1, must be at most 0"),
        ("at_least_of_reference", 0.8, 0.8, 1.0, None),
        (
            "at_least_of_reference",
            0.7,
            0.8,
            0.95,
            "key: 0.7, must be at least 0.76 (0.8 times 0.95 of the reference)",
        ),
        ("at_most_of_reference", 1.0, 1.0, 1.01, None),
        ("at_most_of_reference", 1.0, 1.0, None, "key: 1, but its reference was not measured"),
        ("at_least", float("nan"), 0.9, None, "key: not measured; must be at least 0.9"),
    ],
)
def test_a_limit_holds_or_says_how_it_fails(
    kind: str, value: float, limit: float, reference: float | None, failure: str | None
) -> None:
    one = Limit(metric="key", kind=kind, value=limit)
    assert one.failure(measured(value, reference=reference)) == failure


def test_what_was_not_measured_fails() -> None:
    limits = [Limit(metric=name, kind="at_least", value=0.5) for name in ("genre", "lead")]
    assert failures(limits, {"genre": measured(0.6)}) == ["lead: not measured; must be at least 0.5"]


@pytest.mark.parametrize(
    ("limit", "kind", "hint"),
    [
        ("long_pieces.key", "at_least", "give --long"),
        ("prompt_robustness.other_order.genre", "at_least", "give --prompt-robustness"),
        ("memorization.copies", "at_most", "give --training-songs"),
        ("autoencoder.files.chroma_cosine", "at_least", "give --files"),
        ("genre", "at_least_of_reference", "leave --no-reference-renders out"),
        ("reference.genre", "at_least", "leave --no-reference-renders out"),
    ],
)
def test_limits_that_the_settings_do_not_measure_are_refused(
    limit: str, kind: str, hint: str, saved_model: Path, tmp_path: Path
) -> None:
    config = EvaluationConfig(out=tmp_path / "out", model=saved_model, reference_renders=False)
    with pytest.raises(UserError, match=f"{limit} is not measured with these options; {hint}"):
        check_measurable([Limit(metric=limit, kind=kind, value=1)], config)
    check_measurable([Limit(metric="genre", kind="at_least", value=1)], config)


def test_limits_of_clips_alone(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    limit = Limit(metric="cpu_seconds", kind="at_most", value=20)
    with pytest.raises(UserError, match="give a MODEL"):
        check_measurable([limit], EvaluationConfig(out=tmp_path / "out", clips=(folders[0],)))
    with pytest.raises(UserError, match="several folders of clips and no model"):
        check_measurable([limit], EvaluationConfig(out=tmp_path / "out", clips=tuple(folders)))


def test_every_name_of_the_catalogue_is_a_key_of_yaml_and_described() -> None:
    for name, metric in CATALOGUE.items():
        assert name.replace("_", "").replace(".", "").isalnum() and name.islower()
        assert metric.description and metric.unit in ("share", "dB", "LUFS", "s", "")


def test_the_limits_of_this_repository_are_valid() -> None:
    limits = read_limits(Path(__file__).parents[3] / ".ci" / "limits.yaml")
    assert {"genre", "tempo", "key", "lead", "clipped"} <= {limit.metric for limit in limits}
