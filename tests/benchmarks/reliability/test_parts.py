"""A tiny run of each part, and the table of results."""

import pytest

from benchmarks.reliability.__main__ import main
from benchmarks.reliability.kills import Killed
from benchmarks.reliability.table import Row, load, markdown, of_kills, save


def test_rows_of_the_same_are_replaced_and_others_stay(tmp_path):
    save(tmp_path, Row("fuzz", "mutated prompts", 3, "x"))
    save(tmp_path, Row("kills", "SIGKILL", 4, "y", ["half a file"]))
    save(tmp_path, Row("fuzz", "mutated prompts", 5, "z"))
    assert [(row.what, row.count) for row in load(tmp_path)] == [("mutated prompts", 5), ("SIGKILL", 4)]
    table = markdown(load(tmp_path))
    assert "| mutated prompts | 5 | 0 | z |" in table and "| SIGKILL | 4 | 1 | y |" in table
    assert table.endswith("- SIGKILL: half a file")
    assert of_kills(Killed("encode", 7, 2, ["odd"])).faults == ["odd"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["--parts", "fuzz", "--cases", "20", "--targets", "audio files", "tables"],
        ["--parts", "kills", "--kills", "2", "--commands", "encode", "data shard"],
        ["--parts", "disk", "--sizes", "2", "--commands", "encode"],
        ["--parts", "memory"],
        ["--parts", "sharing", "--pairs", "1", "--commands", "encode", "train"],
    ],
    ids=lambda words: words[1],
)
def test_a_tiny_run_of_each_part_finds_no_fault(words, tmp_path, capsys):
    assert main([*words, "--out", str(tmp_path)]) == 0, capsys.readouterr().out
    assert load(tmp_path) and all(row.count for row in load(tmp_path))
