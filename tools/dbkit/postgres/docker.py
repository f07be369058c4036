"""A disposable server in a container: our image, a cluster copied to a tmpfs, a port on loopback.

Only `DockerContainer` of testcontainers is used. Its own reaper image cannot be pulled everywhere, so every container
carries the owner's pid and start time, and the next start removes those whose owner is gone.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import time
from pathlib import Path
from typing import Any

from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.postgres.local import SETTINGS
from dbkit.postgres.server import Server, make_conninfo

__all__ = ["DockerServer", "docker_problem", "reap_containers"]

LABEL = "dbkit.owner"
PORT = 5432
START_SECONDS = 60.0
REMOVE_SECONDS = 30.0
PROBE_SECONDS = 0.02


class DockerServer(Server):
    """A server in a container that this process owns."""

    provider = "docker"

    def __init__(self, image: str, pool_size: int) -> None:
        super().__init__(pool_size)
        self.image = image
        self._password = secrets.token_hex(16)
        self._container = self._create()
        self._host = ""
        self._port = 0

    @classmethod
    def start(cls, config: Config) -> DockerServer:
        """Remove what dead runs left, start a container and wait until it answers a query.

        Raises:
            DbkitError: no engine answers, the image is not there, or the server does not come up.
        """
        problem = docker_problem()
        if problem:
            raise DbkitError(
                "no Docker engine",
                detail=problem,
                hint="Start one, or set [postgres] provider to auto. `dbkit doctor` shows what this machine has.",
            )
        reap_containers()
        server = cls(config.postgres.image, config.postgres.pool_size)
        try:
            server._launch()
        except BaseException:
            server.stop()
            raise
        return server

    def conninfo(self, dbname: str = "postgres", user: str | None = None) -> str:
        return make_conninfo(
            host=self._host, port=self._port, dbname=dbname, user=user or self.superuser, password=self._password
        )

    def stop(self) -> None:
        self.close()
        self._container.stop()

    def _create(self) -> Any:
        from testcontainers.core.container import DockerContainer

        settings = {name: value for name, value in SETTINGS.items() if name != "listen_addresses"}
        container = DockerContainer(self.image)
        container.with_env("POSTGRES_PASSWORD", self._password)
        container.with_tmpfs_mount("/var/lib/postgresql/disposable", "rw,size=4g")
        container.with_kwargs(labels={LABEL: _owner_label()}, shm_size="256m")
        container.with_command([argument for item in settings.items() for argument in ("-c", "=".join(item))])
        # Loopback only where the engine is on this machine; elsewhere the password alone guards the port.
        container.ports[f"{PORT}/tcp"] = None if _engine_is_remote() else ("127.0.0.1", None)
        return container

    def _launch(self) -> None:
        import docker

        client = docker.from_env()
        try:
            client.images.get(self.image)
            self._container.start()
        except docker.errors.ImageNotFound:
            raise DbkitError(
                f"image not found: {self.image}",
                detail="It is ours and on no registry: the engine must have built it.",
                hint="Build it: make docker-image (BASE=… for another base than the official postgres:17).",
            ) from None
        except docker.errors.APIError as error:
            raise DbkitError("cannot start a container", detail=str(error), hint="Run: dbkit doctor") from None
        finally:
            client.close()
        self._wait_until_ready()

    def _addresses(self) -> list[tuple[str, int]]:
        """Where the server may answer, best first."""
        published = int(self._container.get_exposed_port(PORT))
        if _engine_is_remote():
            return [(self._container.get_container_host_ip(), published)]
        container = self._container.get_wrapped_container()
        container.reload()
        networks = container.attrs["NetworkSettings"]["Networks"].values()
        # In a container that shares the host's engine, our loopback is not the host's: use the bridge.
        bridged = [(network["IPAddress"], PORT) for network in networks if network["IPAddress"]]
        return [("127.0.0.1", published), *bridged]

    def _wait_until_ready(self) -> None:
        """Ready means that a query is answered, not that a port is open or a log line was written."""
        import psycopg

        addresses = self._addresses()
        deadline = time.monotonic() + START_SECONDS
        while True:
            for self._host, self._port in addresses:
                try:
                    psycopg.connect(self.conninfo(), connect_timeout=2).close()
                    return
                except psycopg.OperationalError as error:
                    problem = str(error)
            container = self._container.get_wrapped_container()
            container.reload()
            if container.status == "exited" or time.monotonic() > deadline:
                raise DbkitError(
                    f"the server in {self.image} did not start",
                    detail=_last_lines(self._container) or problem,
                    hint="Rebuild the image: make docker-image",
                )
            time.sleep(PROBE_SECONDS)


def docker_problem() -> str | None:
    """Why no container can be started here, or None when an engine answers."""
    # Read by testcontainers when it is imported. Its reaper image may be out of reach, and ours needs no image.
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    try:
        import docker
        import testcontainers.core.container  # noqa: F401  part of what must be there
    except ImportError as error:
        return f"The Python package is missing: pip install 'pg-dbkit[docker]' ({error})."
    try:
        client = docker.from_env(timeout=5)
        client.ping()
        client.close()
    except docker.errors.DockerException as error:
        return f"{str(error).splitlines()[0]}."
    return None


def reap_containers() -> list[str]:
    """Remove containers whose owner on this host is gone; returns their names. Needs an engine that answers.

    When it returns they are gone, also those that a parallel run was already removing.
    """
    import docker

    client = docker.from_env()
    orphans = [
        container
        for container in client.containers.list(all=True, filters={"label": LABEL}, ignore_removed=True)
        if _is_orphan(container.labels[LABEL])
    ]
    for container in orphans:
        try:
            container.remove(force=True, v=True)
        except docker.errors.NotFound:
            pass  # a parallel run was faster
        except docker.errors.APIError as error:
            if error.status_code != 409:  # a parallel run is at it
                raise
            with contextlib.suppress(docker.errors.NotFound):
                container.wait(condition="removed", timeout=REMOVE_SECONDS)
    client.close()
    return [container.name for container in orphans]


def _is_orphan(label: str) -> bool:
    host, pid, started = label.rsplit(":", 2)
    return host == socket.gethostname() and _start_time(int(pid)) != started


def _engine_is_remote() -> bool:
    return os.environ.get("DOCKER_HOST", "").startswith(("tcp:", "ssh:"))


def _owner_label() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{_start_time(os.getpid())}"


def _start_time(pid: int) -> str:
    """When a process started, so that a recycled pid is not taken for the owner; "" when it is gone."""
    try:
        # The command name may hold blanks and parentheses: count fields after the last one.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    state, start_time = fields[0], fields[19]
    return "" if state == "Z" else start_time  # a zombie that nobody waits for owns nothing


def _last_lines(container: Any) -> str:
    output, errors = container.get_logs()
    lines = (output + errors).decode(errors="replace").splitlines()
    return "\n".join(lines[-5:])
