"""How far a client may fall behind: in seconds, whatever the format."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from mousai.errors import UserError
from mousai.server.errors import ApiError
from mousai.server.live.feed import MOST_UPDATES, Feed
from mousai.server.live.player import _between


@pytest.mark.parametrize("size", [0, 4_000, 384_000])
def test_a_client_may_be_so_many_seconds_behind_and_no_more(size):
    async def listen() -> None:
        feed = Feed(paced=True, most_behind=5.0)

        async def send(second: int) -> bool:
            feed.send({"type": "chunk", "seconds": float(second)}, bytes(size))
            await asyncio.sleep(0)
            return feed.too_slow

        feed.send({"type": "start"})
        assert not any([await send(second) for second in range(6)])
        for _ in range(1 + 3 * 2):  # what begins at 2 s is taken
            await feed.receive()
        assert not await send(6) and not await send(7)
        assert await send(8)
        feed.send({"type": "chunk", "seconds": 3.0})
        await asyncio.sleep(0)
        assert feed.too_slow  # it stays so

    asyncio.run(listen())


@pytest.mark.parametrize("paced", [True, False])
def test_a_stream_that_nobody_follows_ends(paced):
    feed: Any = SimpleNamespace(too_slow=True, paced=paced, updates=list, wait=lambda _: pytest.fail("waited"))
    job: Any = SimpleNamespace(cancel_wanted=False)
    with pytest.raises(UserError, match=r"^the client reads more slowly than the music plays$"):
        _between(job, feed, SimpleNamespace(), due=0.0)  # type: ignore[arg-type]


def test_updates_that_nobody_takes_are_bounded():
    async def ask() -> None:
        feed = Feed(paced=True, most_behind=5.0)
        for number in range(MOST_UPDATES):
            feed.update({"tempo": number})
        with pytest.raises(ApiError, match="too many updates at once"):
            feed.update({"tempo": 1})
        assert len(feed.updates()) == MOST_UPDATES
        feed.update({"tempo": 2})

    asyncio.run(ask())
