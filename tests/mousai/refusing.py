"""The one line of an error that a user can correct."""

import pytest

from mousai import UserError


def refused(function, *args, **settings) -> str:
    with pytest.raises(UserError) as caught:
        function(*args, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)
