import shutil

import pytest


@pytest.fixture(autouse=True)
def _real_fluidsynth(request: pytest.FixtureRequest) -> None:
    """Tests that render are skipped only where the program is missing; a missing soundfont fails them."""
    if request.node.get_closest_marker("fluidsynth") and shutil.which("fluidsynth") is None:
        pytest.skip("fluidsynth is not installed")
