"""Disposable servers from binaries: starting, caching, cleaning up, in parallel and after kill -9."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.postgres import Recipe, Server, Step, local, open_server
from dbkit.postgres.binaries import Binaries, choose_binaries, find_binaries, wheel_binaries
from dbkit.postgres.local import LocalServer
from dbkit.postgres.rundir import RunDir, reap, server_user


def test_project_has_a_server(config: Config) -> None:
    with open_server(config) as server:
        assert server.admin("select current_setting('fsync')") == [("off",)]
        assert server.admin("select current_setting('listen_addresses')") == [("",)]
        assert server.version_num >= 150000


@pytest.mark.parametrize("binaries", wheel_binaries(), ids=lambda binaries: binaries.origin)
def test_each_wheel_serves(binaries: Binaries) -> None:
    server = LocalServer.start(binaries)
    try:
        with server.database() as database, psycopg.connect(database.conninfo) as connection:
            assert connection.info.server_version // 10000 == binaries.major
    finally:
        server.stop()


def test_nothing_is_left_after_stop(config: Config) -> None:
    with open_server(config) as server:
        assert isinstance(server, LocalServer)
        folder = Path(server._run.path)
        pid = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        assert folder.is_dir()
    assert not folder.exists()
    assert not is_running(pid)


def test_server_never_runs_as_root(config: Config) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has privileges to drop")
    with open_server(config) as server:
        assert isinstance(server, LocalServer)
        pid = int((server._data / "postmaster.pid").read_text().splitlines()[0])
        assert Path(f"/proc/{pid}").stat().st_uid != 0


def test_killed_run_leaves_no_server_and_its_folder_goes_with_the_next_start(config: Config) -> None:
    program = textwrap.dedent(f"""
        import time
        from pathlib import Path
        from dbkit.config import load_config
        from dbkit.postgres import open_server
        with open_server(load_config(Path({str(config.path)!r}))) as server:
            print(server._run.path, flush=True)
            time.sleep(60)
    """)
    run = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    folder = Path(run.stdout.readline().strip())
    pid = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    assert is_running(pid)
    run.kill()
    run.wait()
    assert wait_until(lambda: not is_running(pid)), "the server outlived its owner"
    reap()  # a test beside this one may be removing the folder already
    assert wait_until(lambda: not folder.exists()), "the folder outlived the next start"


@pytest.fixture
def own_run_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for servers that the tests beside this one do not tidy; its path is short, as a socket's must be."""
    with tempfile.TemporaryDirectory(prefix="reap-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        monkeypatch.setenv("DBKIT_RUN_DIR", folder)
        yield Path(folder)


def test_reap_stops_a_server_that_outlived_its_owner(config: Config, own_run_folder: Path) -> None:
    """Where the kernel cannot tell the server of its owner's death, the next start stops it."""
    server = LocalServer.start(choose_binaries(config))
    pid = int((server._data / "postmaster.pid").read_text().splitlines()[0])
    server._run._lock.close()  # what the kernel does when the owner dies
    removed = reap()
    assert removed == [server._run.path]
    assert wait_until(lambda: not is_running(pid))
    server.stop()


def test_reap_leaves_a_live_neighbour_alone() -> None:
    neighbour = RunDir(server_user())
    try:
        reap()
        assert neighbour.path.is_dir()
    finally:
        neighbour.remove()


def test_parallel_runs_do_not_meet(config: Config) -> None:
    program = textwrap.dedent(f"""
        import psycopg
        from pathlib import Path
        from dbkit.config import load_config
        from dbkit.postgres import Recipe, Step, open_server
        def fill(conninfo):
            with psycopg.connect(conninfo) as connection:
                connection.execute("create table t as select 1 as a")
        recipe = Recipe((Step("parallel", "1", fill),))
        with open_server(load_config(Path({str(config.path)!r})), recipe) as server:
            with server.template(recipe).clone() as clone, psycopg.connect(clone.conninfo) as connection:
                print(connection.execute("select a from t").fetchone())
    """)
    runs = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for run in runs:
        output, errors = run.communicate(timeout=300)
        assert (run.returncode, output) == (0, "(1,)\n"), errors


@pytest.fixture
def cold_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of the test's own, readable by the server account."""
    folder = tmp_path / "cache"
    folder.mkdir()
    for parent in (folder, *folder.parents):
        if parent.stat().st_uid == os.geteuid() and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    monkeypatch.setenv("DBKIT_CACHE_DIR", str(folder))
    yield folder


def test_only_the_changed_layer_is_built_again(config: Config, cold_cache: Path) -> None:
    built: list[str] = []

    def step(name: str, digest: str) -> Step:
        return Step(name, digest, lambda _conninfo: built.append(name + digest))

    first = Recipe((step("a", "1"), step("b", "1")))
    for _ in range(2):  # the second server finds both layers in the saved cluster
        with open_server(config, first) as server:
            server.template(first)
    assert built == ["a1", "b1"]
    changed = Recipe((step("a", "1"), step("b", "2")))
    with open_server(config, changed) as server:
        server.template(changed)
    assert built == ["a1", "b1", "b2"]


def test_saved_cluster_keeps_only_the_layers_in_use(config: Config, cold_cache: Path) -> None:
    def recipe(version: str) -> Recipe:
        return Recipe((Step("a", "1", lambda _conninfo: None), Step("b", version, lambda _conninfo: None)))

    for version in ("1", "2", "3"):
        with open_server(config, recipe(version)) as server:
            other = server.template(Recipe((Step("other", version, lambda _conninfo: None),)))
            wanted = server.template(recipe(version))
            templates = {name for (name,) in server.admin("select datname from pg_database where datistemplate")}
            assert len({name for name in templates if name.startswith("dbkit_")}) == 3
            for template in (other, wanted):
                with template.clone() as clone, psycopg.connect(clone.conninfo):
                    pass


def test_a_saved_cluster_that_a_parallel_run_forgets_meanwhile_is_done_without(
    config: Config, cold_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe((Step("a", "1", lambda _conninfo: None),))
    with open_server(config, recipe) as server:
        server.template(recipe)
    copied: list[Path] = []

    def copy(source: Path, target: Path, copy: Callable[[Path, Path], None] = local._copy_cluster) -> None:
        copied.append(source)
        if len(copied) == 1:
            shutil.rmtree(source)
        copy(source, target)

    monkeypatch.setattr(local, "_copy_cluster", copy)
    with open_server(config, recipe) as server:
        assert server.admin("select 1") == [(1,)]
    assert [source.name == "base" for source in copied] == [False, True]


def test_runs_that_save_and_forget_clusters_do_not_meet(tmp_path: Path) -> None:
    def save(run: int) -> None:
        for number in range(50):
            partial, final = tmp_path / f".{run}-{number}", tmp_path / f"{run}-{number}"
            partial.mkdir()
            (partial / local.LAYERS_FILE).write_text("")
            partial.rename(final)
            local._forget_old(tmp_path)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(save, range(4)))
    local._forget_old(tmp_path)
    assert len(list(tmp_path.iterdir())) == local.KEPT_CLUSTERS


def test_settings_outlive_the_restart_that_saves_a_template(config: Config, cold_cache: Path) -> None:
    server = LocalServer.start(choose_binaries(config), synchronous_commit="on")
    try:
        before = server._process
        server.template(Recipe((Step("a", "1", lambda _conninfo: None),)))
        assert server._process is not before
        assert server.admin("show synchronous_commit") == [("on",)]
    finally:
        server.stop()


def test_failed_step_leaves_no_template(server: Server) -> None:
    def fail(_conninfo: str) -> None:
        raise DbkitError("no")

    before = server.admin("select count(*) from pg_database")
    with pytest.raises(DbkitError):
        server.template(Recipe((Step("fails", str(time.time()), fail),)))
    assert server.admin("select count(*) from pg_database") == before


@pytest.mark.parametrize("size", [0, 3])
def test_pool_has_the_size_of_the_project_file(config: Config, size: int) -> None:
    recipe = Recipe((Step("pool", "1", lambda _conninfo: None),))
    with open_server(replace(config, postgres=replace(config.postgres, pool_size=size)), recipe) as server:
        template = server.template(recipe)
        with template.clone(), template.clone():
            assert wait_until(lambda: template._ready.qsize() >= size)
            assert (template._filler is not None) == (size > 0)


def test_clones_are_private(server: Server) -> None:
    def fill(conninfo: str) -> None:
        with psycopg.connect(conninfo) as connection:
            connection.execute("create table t (a int)")

    template = server.template(Recipe((Step("private", "1", fill),)))
    for _ in range(5):
        with template.clone() as clone, psycopg.connect(clone.conninfo) as connection:
            assert connection.execute("insert into t values (1) returning (select count(*) from t)").fetchone() == (0,)


def test_disk_full_is_an_error_with_a_hint(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    small = Path(tempfile.mkdtemp(prefix="small-"))  # a socket's path must be short
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=0755", "tmpfs", small]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        small.rmdir()
        pytest.skip("no right to mount a small file system")
    try:
        monkeypatch.setenv("DBKIT_RUN_DIR", str(small))
        with pytest.raises(DbkitError) as raised, open_server(config):
            pass
        assert "cannot copy the saved cluster" in raised.value.message
        assert "DBKIT_RUN_DIR" in (raised.value.hint or "")
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", small], check=True)
        small.rmdir()


def test_a_server_that_breaks_down_says_why(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    words = 'PANIC:  could not write to file "pg_wal/xlogtemp.7": No space left on device'

    def crashed() -> None:
        with open_server(config) as server:
            monkeypatch.setattr(server, "_log", lambda: ["LOG:  checkpoint starting", words])
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    with pytest.raises(DbkitError, match="the disposable server broke down") as raised:
        crashed()
    assert raised.value.detail == words
    assert "larger disk" in str(raised.value.hint)


def test_an_error_of_the_caller_is_not_the_servers(config: Config) -> None:
    def divided() -> None:
        with open_server(config) as server, psycopg.connect(server.conninfo()) as connection:
            connection.execute("select 1 / 0")

    with pytest.raises(psycopg.errors.DivisionByZero):
        divided()


def test_extension_that_no_server_has_is_named(config: Config) -> None:
    wanting = replace(config, postgres=replace(config.postgres, extensions=("no_such_extension",)))
    with pytest.raises(DbkitError) as raised:
        choose_binaries(wanting)
    assert "lacks no_such_extension" in (raised.value.detail or "")


def test_given_folder_without_server_programs_is_named(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBKIT_PG_BIN", "/nonexistent")
    with pytest.raises(DbkitError, match="no server programs in /nonexistent"):
        find_binaries(config)


def is_running(pid: int) -> bool:
    """True while a process runs; a zombie that nobody waits for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition: object, seconds: float = 60.0) -> bool:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_interrupt_stops_the_server(config: Config) -> None:
    program = textwrap.dedent(f"""
        import time
        from pathlib import Path
        from dbkit.config import load_config
        from dbkit.postgres import open_server
        with open_server(load_config(Path({str(config.path)!r}))) as server:
            print(server._run.path, flush=True)
            time.sleep(60)
    """)
    command = [sys.executable, "-c", program]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert run.stdout is not None
    folder = Path(run.stdout.readline().strip())
    run.send_signal(signal.SIGINT)
    run.wait(timeout=60)
    assert not folder.exists()
