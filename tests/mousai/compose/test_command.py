import subprocess
import sys
from pathlib import Path

import pytest

from mousai import cli
from mousai.compose import __main__ as main
from mousai.compose import dataset


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    def run(*words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["compose", *words])
        return main.main()

    return run


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--songs", "0"], "--songs 0: "),
        (["--songs", "2", "--duration", "-1"], "--duration -1: "),
        (["--songs", "2", "--genre", "polka"], "--genre polka: "),
        (["--songs", "2", "--palette", "loud"], "--palette loud: "),
        (["--songs", "2", "--lead-level", "20"], "--lead-level 20: -12 to 12 dB would do"),
        (["--songs", "2", "--orchestra", "berlin"], "--orchestra berlin: fluidr3, musescore"),
        (["--songs", "2", "--orchestra", "freepats"], "which FluidSynth cannot play"),
        (["--songs", "2", "--workers", "0"], "--workers 0: "),
    ],
)
def test_a_bad_value_is_one_line(tmp_path: Path, call, capsys, words: list[str], message: str) -> None:  # type: ignore[no-untyped-def]
    assert call("--out", str(tmp_path / "set"), *words) == 2
    said = capsys.readouterr().err
    assert said.startswith("mousai compose: ") and message in said and said.count("\n") == 1


def test_a_mistake_is_named_as_in_every_command_and_a_fault_keeps_its_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["compose", "--songs", "1", "--out", str(tmp_path / "set")]
    assert cli.main([*words, "--lead-level", "20"]) == 2
    assert capsys.readouterr().err == "mousai: error: --lead-level 20: -12 to 12 dB would do\n"

    def fail(*_: object, **__: object) -> None:
        raise ValueError("a fault")

    monkeypatch.setattr(dataset, "write_dataset", fail)
    with pytest.raises(ValueError, match="a fault"):
        cli.main(words)


def test_an_interruption_says_how_to_go_on(tmp_path: Path, call, capsys, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(dataset, "write_dataset", stop)
    assert call("--out", str(tmp_path), "--songs", "1") == 130
    assert "goes on where it stopped" in capsys.readouterr().err


@pytest.mark.fluidsynth
def test_the_module_runs(tmp_path: Path) -> None:
    words = ["--songs", "1", "--out", str(tmp_path / "set"), "--duration", "2", "--genre", "folk", "--quiet"]
    words += ["--orchestra", "fluidr3"]
    done = subprocess.run([sys.executable, "-m", "mousai.compose", *words], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == str(tmp_path / "set" / "metadata.jsonl")
    assert (tmp_path / "set" / "audio" / "000000.flac").is_file()


def test_importing_stays_light() -> None:
    code = "import sys, mousai.compose; print({'torch', 'numpy', 'soundfile', 'pretty_midi'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_composer_knows_nothing_of_data_and_training() -> None:
    code = (
        "import sys, mousai.compose.dataset, mousai.compose.annotations.picture, mousai.compose.production.produce; "
        "print([name for name in sys.modules if name.startswith(('mousai.data', 'mousai.training', 'torch'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
