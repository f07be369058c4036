"""The docker provider against a real engine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import docker
import psycopg
import pytest

from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.postgres import Recipe, Step, open_server
from dbkit.postgres.docker import LABEL, reap_containers

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]


def containers_of(pid: int) -> set[str]:
    """Names of the containers a process owns; other runs on this machine may have theirs."""
    client = docker.from_env()
    try:
        found = client.containers.list(all=True, filters={"label": LABEL})
        return {container.name for container in found if container.labels[LABEL].split(":")[-2] == str(pid)}
    finally:
        client.close()


def our_containers() -> set[str]:
    return containers_of(os.getpid())


def test_container_serves_clones_and_is_gone_afterwards(docker_config: Config) -> None:
    def fill(conninfo: str) -> None:
        with psycopg.connect(conninfo) as connection:
            connection.execute("create table t as select 42 as answer")

    recipe = Recipe((Step("t", "1", fill),))
    with open_server(docker_config, recipe) as server:
        assert len(our_containers()) == 1
        assert {"pgtap", "pg_cron", "plpgsql_check"} <= set(server.available_extensions())
        template = server.template(recipe)
        with template.clone() as one, template.clone() as two:
            assert one.name != two.name
            for clone in (one, two):
                with psycopg.connect(clone.conninfo) as connection:
                    assert connection.execute("select answer from t").fetchone() == (42,)
    assert our_containers() == set()


def test_the_port_is_on_loopback_only(docker_config: Config) -> None:
    with open_server(docker_config):
        client = docker.from_env()
        (name,) = our_containers()
        bindings = client.containers.get(name).attrs["NetworkSettings"]["Ports"]["5432/tcp"]
        client.close()
    assert {binding["HostIp"] for binding in bindings} == {"127.0.0.1"}


def test_container_of_a_killed_run_is_removed_by_the_next(docker_config: Config) -> None:
    program = textwrap.dedent(f"""
        import os, signal
        from pathlib import Path
        from dataclasses import replace
        from dbkit.config import load_config
        from dbkit.postgres import open_server
        config = load_config(Path({str(docker_config.path)!r}))
        with open_server(replace(config, postgres=replace(config.postgres, provider="docker"))) as server:
            print(server.admin("select 'served'")[0][0], flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    run = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    output, _ = run.communicate()
    assert (output, run.returncode) == ("served\n", -signal.SIGKILL)
    # A run beside this one may remove it before or while we do; gone afterwards it is in every case.
    reap_containers()
    assert containers_of(run.pid) == set()


def test_container_that_another_run_is_removing_is_waited_for(docker_config: Config) -> None:
    client = docker.from_env()
    labels = {LABEL: f"{socket.gethostname()}:1:0"}  # pid 1 lives, but did not start at 0
    container = client.containers.create(docker_config.postgres.image, ["sleep", "60"], labels=labels)
    with suppress(docker.errors.APIError):  # a run beside this one may have begun to remove it
        container.start()
    with ThreadPoolExecutor(8) as pool:
        for removal in [pool.submit(reap_containers) for _ in range(8)]:
            removal.result()
            assert container.name not in {each.name for each in client.containers.list(all=True, ignore_removed=True)}
    client.close()


def test_container_of_a_live_owner_is_left_alone(docker_config: Config) -> None:
    with open_server(docker_config) as server:
        assert our_containers().isdisjoint(reap_containers())
        assert server.admin("select 1") == [(1,)]


def test_missing_image_names_the_command_that_builds_it(docker_config: Config) -> None:
    nowhere = replace(docker_config, postgres=replace(docker_config.postgres, image="dbkit-no-such-image:0"))
    with pytest.raises(DbkitError) as raised, open_server(nowhere):
        pass
    assert "image not found" in raised.value.message
    assert "make docker-image" in (raised.value.hint or "")


def test_without_an_engine_it_says_so(docker_config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    with pytest.raises(DbkitError) as raised, open_server(docker_config):
        pass
    assert raised.value.message == "no Docker engine"
