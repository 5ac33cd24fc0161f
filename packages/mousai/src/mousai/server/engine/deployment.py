"""A replica as Ray Serve runs it."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Any

from mousai.errors import UserError
from mousai.server.engine.messages import Message, Request
from mousai.server.engine.replica import Replica

if TYPE_CHECKING:
    from mousai.pipeline import Mousai


class ServedReplica:
    """Deployment around a `Replica`.

    Args:
        load: loads the model.
        facts: what results store of it.
        version: of the server's mousai.
        mailbox: actor that keeps the updates of streams.
    """

    _replica: Replica | None = None

    def __init__(self, load: "Callable[[], Mousai]", facts: Mapping[str, str], version: str, mailbox: Any) -> None:
        import ray

        def take(job: str) -> list[Mapping[str, Any]]:
            found: list[Mapping[str, Any]] = ray.get(mailbox.take.remote(job))
            return found

        self._replica = Replica(load, facts, version, take)

    def __del__(self) -> None:
        """Remove the files; Ray Serve calls it when it takes the replica down."""
        if self._replica is not None:
            self._replica.close()

    async def failure(self) -> UserError | None:
        """Return why there is no model, if there is none."""
        assert self._replica is not None
        return self._replica.failure

    async def make(self, request: Request) -> AsyncIterator[Message]:
        """Do a job, see `Replica.make`."""
        assert self._replica is not None
        async for message in self._replica.make(request):
            yield message
