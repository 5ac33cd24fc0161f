"""What the rows of a folder say of chords and melodies, read for training."""

import pytest

from mousai.data.annotation import controls_of
from mousai.errors import UserError


def test_names_of_chords_without_their_times_are_no_annotation():
    assert controls_of({"chords": ["G", "C"], "chords_time": [0.4, 2.0]}).chords is None


def test_chords_with_their_times_are_read():
    rows = [{"start": 0, "end": "1.5", "label": "G"}, [1.5, 2, "C"]]
    assert controls_of({"chords": rows}).chords == ((0.0, 1.5, "G"), (1.5, 2.0, "C"))
    assert controls_of({"chords": []}).chords == ()


@pytest.mark.parametrize("event", [{"start": 0, "label": "G"}, [0, 1], ["x", 1, "G"], 3])
def test_an_event_without_its_times_is_refused(event):
    with pytest.raises(UserError, match="must be a start and an end in seconds and a label"):
        controls_of({"chords": [event]})
