"""A Docker engine for the tests that need one: the machine's own, or one started here and stopped again."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dbkit.config import Config
from dbkit.postgres.docker import docker_problem

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def docker_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An engine that answers. As root, dockerd is started for the length of the session where none runs."""
    if docker_problem() is None:
        yield
        return
    if os.geteuid() != 0 or not shutil.which("dockerd"):
        pytest.skip(f"no Docker engine: {docker_problem()}")
    log = tmp_path_factory.mktemp("dockerd") / "log"
    with log.open("wb") as output:
        engine = subprocess.Popen(["dockerd"], stdout=output, stderr=output, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while docker_problem() and engine.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
        if docker_problem():
            said = [line for line in log.read_text().splitlines() if "failed" in line]
            pytest.skip(f"no Docker engine: dockerd does not run here: {said[-1] if said else 'it said nothing'}")
        yield
    finally:
        engine.terminate()
        engine.wait(timeout=60)


@pytest.fixture(scope="session")
def docker_config(docker_engine: None, config: Config) -> Config:
    """The project with the docker provider and its image, built where it is not there yet."""
    image = config.postgres.image
    if subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode:
        built = subprocess.run([REPO / "docker" / "build.sh"], capture_output=True, text=True, check=False)
        assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
    return replace(config, postgres=replace(config.postgres, provider="docker"))
