"""Where handlers put the files they make: the bytes in a folder, and in `storage.objects` what they are and whose.

The folder holds <tenant>/<job>.<extension> and is the bucket's: whoever serves tokens of `storage.create_signed_url`
reads from it. The database reserves the name first, so what a bucket does not accept is never written; the file is
written beside its name and moved there; then the upload is finished. A crash in between leaves a reservation that the
next attempt takes over. Where the module storage is not installed, or no bucket is named, there is the file alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from dbkit.worker.client import connect
from dbkit.worker.job import Job, JobError, PermanentError

__all__ = ["FileStore", "Stored"]

_RESERVE = """
select object_id, name, token, size_bytes, content_sha256
  from storage.create_job_upload(%s::bigint, %s::uuid, %s::text, %s::text, %s::text, %s::bigint)
"""
_FINISH = "select id from storage.finish_upload(%s::text, %s::bigint, %s::text)"
_NOT_INSTALLED = ("42883", "3F000")  # no such function, no such schema
_REFUSED = ("PT409", "PT422")


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is where it belongs.

    Attributes:
        name: path inside the bucket.
        object_id: the row of storage.objects, None where there is the file alone.
    """

    name: str
    size: int
    sha256: str
    object_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class FileStore:
    """A bucket whose bytes are in a folder.

    Attributes:
        conninfo: the worker's own database.
        folder: gets <tenant>/<job>.<extension>.
        bucket: of storage.buckets, empty for files alone.
    """

    conninfo: str
    folder: Path
    bucket: str

    def keep(self, job: Job, extension: str, mime: str, document: bytes) -> Stored:
        """Put the file of a job where it belongs. Another attempt of the job finds it done, or does it again.

        Raises:
            PermanentError: the bucket does not accept the file, the name is taken, or the job is no longer ours.
            JobError: the database cannot be asked, or the folder not be written to.
        """
        if not self.bucket:
            return self._write(job, extension, document)
        import psycopg

        try:
            with connect(self.conninfo, "dbkit worker (handler)") as connection:
                return self._keep(connection, job, extension, mime, document)
        except psycopg.Error as error:
            if error.sqlstate in _NOT_INSTALLED:
                return self._write(job, extension, document)
            # The detail of an error of ours is meant for people; that of others may quote what was sent.
            if error.sqlstate in _REFUSED:
                raise PermanentError(f"the file cannot be stored: {error.diag.message_detail}") from None
            raise JobError(f"the file cannot be stored: {type(error).__name__}") from None

    def _keep(self, connection: Any, job: Job, extension: str, mime: str, document: bytes) -> Stored:
        row = connection.execute(_RESERVE, (job.lease, job.id, self.bucket, extension, mime, len(document))).fetchone()
        object_id, name, token, size, sha256 = row
        if token is None:  # an attempt before got this far
            return Stored(name, size, sha256, object_id)
        written = self._write(job, extension, document)
        connection.execute(_FINISH, (token, written.size, written.sha256))
        return Stored(name, written.size, written.sha256, object_id)

    def _write(self, job: Job, extension: str, document: bytes) -> Stored:
        name = f"{job.tenant_id or 'platform'}/{job.id}.{extension}"
        try:
            _write_file(self.folder / name, document)
        except OSError as error:
            raise JobError(f"the file cannot be written: {error.strerror}") from None
        return Stored(name, len(document), hashlib.sha256(document).hexdigest())


def _write_file(target: Path, document: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(document)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise
