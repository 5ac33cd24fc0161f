"""Settings of the server: one dataclass, from whose fields the options of `mousai serve` come."""

import ipaddress
import os
import re
from dataclasses import dataclass, field

from mousai.errors import UserError
from mousai.server.webhooks.receiver import FORM, HOST, HOST_NAME, host_of
from mousai.settings import setting, settings_of

_ORIGIN = re.compile(rf"https?://{HOST}(:\d{{1,5}})?")

_CLUSTER = re.compile(rf"auto|(?ai:{HOST}):\d{{1,5}}")
MOST_REPLICAS = 1000


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """Settings of the server.

    Args:
        host: address to listen on.
        api_key: what a request has to show; None where no key is asked for.
        no_auth: serve others than this machine without a key.
        cors: origins of other sites whose pages may use the server.
        allowed_hosts: further names under which the server is reached.
        webhook_hosts: hosts to which webhooks may go, HOST or HOST:PORT.
        ray: address of the Ray cluster that computes, HOST:PORT or auto for the one of this machine; None where the
            server computes itself.
        replicas: models on the cluster, each of which does one job at a time.

    Raises:
        UserError: a value is impossible, or others could use the server without a key.
    """

    port: int = setting(7860, help="port to listen on; 0 takes a free one (default 7860)", stage="server", high=65535)
    queue: int = setting(
        32, help="jobs that may wait; one more is refused (default 32)", stage="server", low=1, high=10_000
    )
    max_duration: float = setting(
        600.0,
        help="most seconds of a piece or an upload (default 600)",
        stage="server",
        high=3600,
        above=True,
        metavar="S",
    )
    max_upload: int = setting(
        256, help="most megabytes of an upload (default 256)", stage="server", low=1, high=100_000, metavar="MB"
    )
    storage: int = setting(
        4096,
        help="most megabytes of uploads and results together (default 4096)",
        stage="server",
        low=1,
        high=10**9,
        metavar="MB",
    )
    keep: float = setting(
        60.0,
        help="minutes for which results and uploads are kept after their last use (default 60)",
        stage="server",
        high=1e6,
        above=True,
        metavar="MIN",
    )
    host: str = "127.0.0.1"
    api_key: str | None = field(default=None, repr=False)
    no_auth: bool = False
    cors: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    webhook_hosts: tuple[str, ...] = ()
    ray: str | None = None
    replicas: int = 1

    def __post_init__(self) -> None:
        """Check every field."""
        for name, one in settings_of(type(self)).items():
            object.__setattr__(self, name, one.check(name, getattr(self, name)))
        if not self.host:
            raise UserError("host", self.host, "must be an address or a name, such as 127.0.0.1 or 0.0.0.0")
        for origin in self.cors:
            if not _ORIGIN.fullmatch(origin):
                raise UserError("cors", origin, "must be an origin, such as https://music.example.org, without a path")
        for name in self.allowed_hosts:
            if not re.fullmatch(HOST_NAME, name, FORM):
                raise UserError("allowed_hosts", name, "must be the name of a host, such as music.example.org")
        for name in self.webhook_hosts:
            host_of(name)
        if not 1 <= self.replicas <= MOST_REPLICAS:
            raise UserError("replicas", self.replicas, f"must be 1 to {MOST_REPLICAS}")
        if self.replicas > 1 and self.ray is None:
            raise UserError("replicas", self.replicas, "needs a cluster; give ray its address, such as auto")
        if self.ray is not None and not _CLUSTER.fullmatch(self.ray):
            hint = "must be auto, or HOST:PORT of the head of a cluster that this machine is part of"
            raise UserError("ray", self.ray, hint)
        if self.api_key is not None and self.no_auth:
            raise UserError("no_auth", hint="a key is given; leave one of the two out")
        if not self.is_loopback and self.api_key is None and not self.no_auth:
            hint = "can be reached by others; give api_key_env, or no_auth to let everyone in"
            raise UserError("host", self.host, hint)

    @property
    def is_loopback(self) -> bool:
        """Whether only programs of this machine reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def key_of(name: str | None) -> str | None:
    """Return the API key in an environment variable; None where no variable is named.

    Raises:
        UserError: the variable is not set, empty, or holds what no header can.
    """
    if name is None:
        return None
    key = os.environ.get(name, "")
    if not key:
        raise UserError("api_key_env", name, "is not set; put the key into this environment variable")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UserError("api_key_env", name, "must hold printable ASCII characters without spaces")
    return key
