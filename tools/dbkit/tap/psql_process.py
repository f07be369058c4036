"""Run a file through psql itself: for commands only psql has, and for `--engine psql`."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from pathlib import Path

from dbkit.conninfo import for_program
from dbkit.errors import DbkitError
from dbkit.postgres.local import die_with_parent
from dbkit.report import Location
from dbkit.tap.transcript import Failure, Transcript

__all__ = ["PsqlProcess", "find_psql"]

_ERROR = re.compile(r"psql:(?P<file>.*?):(?P<line>\d+): (?P<message>(?:ERROR|FATAL|PANIC|error): .*)")
_SQLSTATE = re.compile(r"(?:ERROR|FATAL|PANIC):  (?P<state>[0-9A-Z]{5}): ")


def find_psql(bin_dir: Path | None) -> Path:
    """psql beside the server's programs, else on the PATH.

    Raises:
        DbkitError: there is none.
    """
    if bin_dir is not None and (bin_dir / "psql").is_file():
        return bin_dir / "psql"
    found = shutil.which("psql")
    if found is None:
        raise DbkitError(
            "psql not found",
            detail="The file uses commands that only psql carries out.",
            hint="Install the PostgreSQL client programs (Debian: apt-get install postgresql-client).",
        )
    return Path(found)


class PsqlProcess:
    """One psql run, which another thread can cancel."""

    def __init__(self, psql: Path, conninfo: str) -> None:
        self._psql = psql
        self._conninfo = conninfo
        self._process: subprocess.Popen[bytes] | None = None
        self._cancelled = False

    def run(self, path: Path, display: str, *, note: str | None = None, text: str | None = None) -> Transcript:
        """Run one file the way pg_prove does.

        Args:
            path: the file; `text` replaces its content and is then read from standard input.
            note: why psql was used.
        """
        script = "-" if text is not None else display if Path(display).is_file() else str(path)
        target, environment = for_program(self._conninfo)
        command = [
            str(self._psql), "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set", "ON_ERROR_STOP=1",
            "--dbname", target, "--file", script,
        ]  # fmt: skip
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if text is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C reaches us only; we cancel in order
            preexec_fn=die_with_parent(signal.SIGKILL),
            env={**environment, "PGAPPNAME": "dbkit test"},
        )
        if self._cancelled:
            self.cancel()
        out, err = self._process.communicate(text.encode("utf-8", "surrogateescape") if text is not None else None)
        transcript = Transcript(engine="psql", exit_code=self._process.returncode, note=note)
        transcript.out(out.decode("utf-8", "surrogateescape"))
        transcript.close()
        self._read_errors(transcript, err.decode("utf-8", "replace"))
        return transcript

    def cancel(self) -> None:
        """End psql; it cancels its query first."""
        self._cancelled = True
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(timeout=1)
            except subprocess.TimeoutExpired:
                self._process.kill()

    def _read_errors(self, transcript: Transcript, text: str) -> None:
        if not text:
            return
        transcript.err(text)
        lines = text.rstrip("\n").split("\n")
        for number, line in enumerate(lines):
            match = _ERROR.match(line)
            if match is None:
                continue
            message = [match["message"]]
            for following in lines[number + 1 :]:
                if following.startswith("psql:"):
                    break
                message.append(following)
            state = _SQLSTATE.match(match["message"])
            place = Location(match["file"], int(match["line"]))
            transcript.failures.append(Failure("\n".join(message), place, state["state"] if state else None))
        if transcript.exit_code and not transcript.failures:
            transcript.failures.append(Failure(lines[-1], None))
