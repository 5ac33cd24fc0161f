"""What all routes share: the settings, the model's description, the store and the queue."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request

from mousai.sampling_config import SamplingConfig
from mousai.server.config import ServerConfig
from mousai.server.engine.base import Engine, LocalEngine
from mousai.server.files import MEGABYTE, FileStore
from mousai.server.queue import JobQueue
from mousai.server.verbs.base import Terms
from mousai.server.webhooks.following import Webhooks

if TYPE_CHECKING:
    from mousai.pipeline import Mousai

SWEEP = 5.0
"""Seconds between two looks for what has been kept long enough."""


@dataclass(frozen=True, kw_only=True)
class ServedModel:
    """The model that is served, as far as it is known before its weights are loaded.

    Args:
        name: under which it is asked for.
        load: loads it.
        defaults: settings that it is best run with.
        sample_rate: Hz.
        channels: 1 or 2.
        controls: what it follows beside tempo, key and lead.
        about: its description.
        device: where it computes.
        dtype: of its U-Nets; "auto" where each machine of a cluster settles it.
        compiled: whether they are compiled.
        facts: what results store of it beside its name.
    """

    name: str
    load: Callable[[], "Mousai"]
    defaults: SamplingConfig
    sample_rate: int
    channels: int
    controls: tuple[str, ...] = ()
    about: str = ""
    device: str = "cpu"
    dtype: str = "auto"
    compiled: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def stored(self) -> dict[str, str]:
        """What results store of the model."""
        return {"model": self.name, **self.facts}


def served_model(
    folder: Path,
    *,
    name: str,
    device: str = "auto",
    dtype: str = "auto",
    compiled: bool = False,
    load: "Callable[[], Mousai] | None" = None,
    facts: Mapping[str, str] | None = None,
    settled: bool = True,
) -> ServedModel:
    """Return the model of a folder, without loading its weights.

    Args:
        folder: of the model.
        name: under which clients ask for it.
        device: where it computes.
        dtype: of its U-Nets.
        compiled: whether `load` compiles them.
        load: loads it, where more than that is to be done.
        facts: what results store of it beside its name.
        settled: whether "auto" is settled here, which may have to be measured; each machine of a cluster settles it
            by itself.

    Raises:
        UserError: the folder is incomplete, or there is no such device or dtype.
    """
    from mousai.device import resolve_device
    from mousai.dtype import resolve_dtype
    from mousai.pipeline import Mousai
    from mousai.storage.folders import autoencoder_config, describe
    from mousai.storage.parts import PARTS

    found = resolve_device(device)
    described, sound = describe(folder, need=PARTS), autoencoder_config(folder)
    return ServedModel(
        name=name,
        load=load or (lambda: Mousai.from_pretrained(folder, dtype=dtype, device=found)),
        defaults=described.defaults,
        sample_rate=sound.sample_rate,
        channels=sound.audio_channels,
        controls=() if described.latent_diffusion is None else described.latent_diffusion.controls,
        about=described.about,
        device=str(found),
        dtype=str(resolve_dtype(dtype, found)).removeprefix("torch.") if settled else dtype,
        compiled=compiled,
        facts=facts or {},
    )


class Service:
    """The state of a server.

    Args:
        config: settings.
        model: the model.
        engine: computes; by default the model in this process.
        on_failure: called where the model cannot be loaded.
    """

    def __init__(
        self,
        config: ServerConfig,
        model: ServedModel,
        *,
        engine: Engine | None = None,
        on_failure: Callable[[Exception], None] | None = None,
    ) -> None:
        self.config, self.model = config, model
        self.files = FileStore(keep=config.keep * 60, limit=config.storage * MEGABYTE)
        self.engine = engine or LocalEngine(model.load, model.stored)
        self.queue = JobQueue(
            self.engine,
            self.files,
            limit=config.queue,
            keep=config.keep * 60,
            on_failure=self._failed,
        )
        self.webhooks = Webhooks()
        self.requests: dict[int, int] = {}  # status -> responses
        self.failure: Exception | None = None
        self._on_failure = on_failure
        self._sweeper: asyncio.Task[None] | None = None

    @property
    def terms(self) -> Terms:
        """What requests are checked against."""
        model = self.model
        return Terms(
            defaults=model.defaults,
            sample_rate=model.sample_rate,
            channels=model.channels,
            max_duration=self.config.max_duration,
            files=self.files,
            controls=model.controls,
            device=model.device,
            dtype=model.dtype,
            compiled=model.compiled,
        )

    def start(self) -> None:
        """Load the model and begin to work."""
        self.queue.start()
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """Stop the worker at its next step and remove all files."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        await asyncio.to_thread(self.queue.stop)
        await self.webhooks.close()
        await asyncio.to_thread(self.engine.close)
        self.files.close()

    def _failed(self, error: Exception) -> None:
        self.failure = error
        if self._on_failure is not None:
            self._on_failure(error)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            self.queue.sweep()
            self.files.sweep()


def service_of(request: Request) -> Service:
    """Return the state of the server that a request came to."""
    found: Any = request.app.state.service
    assert isinstance(found, Service)
    return found


def base_of(request: Request) -> str:
    """Return the URL under which a client reached this server, without a slash at its end."""
    return str(request.base_url).rstrip("/")


TheService = Annotated[Service, Depends(service_of)]
