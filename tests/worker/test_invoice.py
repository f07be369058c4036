"""generate_invoice_pdf: the file is parsed back by another library, and is an object of its tenant."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from pypdf import PdfReader
from worker_processes import ANN, NORTH, Queue, Workers

from dbkit.worker.handlers.invoice import InvoiceHandler
from dbkit.worker.job import Job, JobError, PermanentError
from dbkit.worker.settings import InvoiceSettings

TENANT = uuid4()
FILES_ONLY = InvoiceSettings(bucket="")


def invoice(**changes: Any) -> dict[str, Any]:
    return {
        "number": "2026-0042",
        "issued_on": "2026-11-01",
        "due_on": "2026-12-01",
        "currency": "EUR",
        "seller": {"name": "Nord GmbH", "address": "Am Hafen 1\n20457 Hamburg"},
        "buyer": {"name": "Café Süd"},
        "lines": [
            {"description": "Rent, November", "quantity": 1, "unit_price": "1200.00"},
            {"description": "Water, m³", "quantity": 3.5, "unit_price": 4.33},
        ],
        "tax_rate": 19,
        "total": "1446.04",
        **changes,
    }


def job(given: Any) -> Job:
    return Job(uuid4(), uuid4(), TENANT, "generate_invoice_pdf", {"invoice": given})


def written(folder: Path, given: dict[str, Any]) -> tuple[dict[str, Any], str, PdfReader]:
    result = InvoiceHandler(FILES_ONLY, folder, "")(job(given))
    reader = PdfReader(folder / "invoices" / result["file"])
    return result, "\n".join(page.extract_text() for page in reader.pages), reader


def test_an_invoice_becomes_a_pdf_that_says_it(tmp_path: Path) -> None:
    result, text, reader = written(tmp_path, invoice())
    assert result["file"].startswith(f"{TENANT}/")
    # 1,200.00 + 15.16 (3.5 × 4.33 = 15.155, half up) = 1,215.16; 19 % = 230.88
    for part in ("Invoice 2026-0042", "Issued 2026-11-01, due 2026-12-01", "Nord GmbH", "20457 Hamburg", "Café Süd"):
        assert part in text
    for part in ("Water, m³", "15.16", "1,215.16", "Tax 19 %", "230.88", "Total EUR", "1,446.04"):
        assert part in text
    assert reader.metadata is not None and reader.metadata.title == "Invoice 2026-0042"
    assert result["total"] == "1446.04"
    assert result["pages"] == len(reader.pages) == 1
    assert [path.name for path in (tmp_path / "invoices" / str(TENANT)).iterdir()] == [Path(result["file"]).name]


def test_another_attempt_writes_the_same_bytes(tmp_path: Path) -> None:
    again = job(invoice())
    handler = InvoiceHandler(FILES_ONLY, tmp_path, "")
    assert handler(again) == handler(again)


def test_letters_beyond_latin_are_written_with_a_font_that_has_them(tmp_path: Path) -> None:
    _, text, _ = written(tmp_path, invoice(buyer={"name": "Łódź Ειρήνη Київ"}))
    assert "Łódź Ειρήνη Київ" in text


def test_a_font_without_the_letters_is_an_error_and_not_a_misspelt_name(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="lacks letters"):
        InvoiceHandler(FILES_ONLY, tmp_path, "")(job(invoice(buyer={"name": "株式会社"})))
    assert not (tmp_path / "invoices").exists()


RIGHT_TO_LEFT = invoice(buyer={"name": "محمد علي", "address": "שדרות רוטשילד 12"})


def test_letters_that_join_are_not_misspelt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One by one and from left to right they would be another name."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(JobError, match="install uharfbuzz") as problem:
        InvoiceHandler(FILES_ONLY, tmp_path, "")(job(RIGHT_TO_LEFT))
    assert problem.value.retryable, "another worker may be able to"
    assert written(tmp_path, invoice(buyer={"name": "Cafe\u0301 Χάρη"}))[0]["pages"] == 1


def test_letters_that_join_are_set_as_they_are_written(tmp_path: Path) -> None:
    pytest.importorskip("uharfbuzz", reason="skipped: uharfbuzz is not installed (pip install 'pg-dbkit[worker]')")
    _, text, _ = written(tmp_path, RIGHT_TO_LEFT)
    assert "محمد علي" in text
    assert "12 שדרות רוטשילד" in text, "the number stands left of the street, where a reader of Hebrew looks last"


def test_words_are_kept_apart_and_numbers_together(tmp_path: Path) -> None:
    lines = [
        {"description": "Rent\tfor\x07 May\r\nflat 3", "quantity": "0.333333", "unit_price": "99999999.995"},
        {"description": "Sewa", "quantity": 1, "unit_price": "1234567890.00"},
    ]
    _, text, _ = written(tmp_path, invoice(lines=lines, total=None))
    for part in ("Rent for May", "flat 3", "99,999,999.995", "1,234,567,890.00", "1,508,802,416.10"):
        assert part in text


def test_the_sums_stand_on_one_page(tmp_path: Path) -> None:
    for count in range(24, 34):
        lines = [{"description": f"Flat {number}", "quantity": 1, "unit_price": 1} for number in range(count)]
        _, _, reader = written(tmp_path, invoice(lines=lines, total=None))
        last = reader.pages[-1].extract_text()
        assert all(part in last for part in ("Net", "Tax 19 %", "Total EUR"))


def test_many_lines_take_many_pages(tmp_path: Path) -> None:
    lines = [{"description": f"Item {number}", "quantity": 1, "unit_price": "10"} for number in range(200)]
    result, text, reader = written(tmp_path, invoice(lines=lines, total="2380.00"))
    assert result["pages"] == len(reader.pages) > 3
    assert text.count("Description") == len(reader.pages)  # the heading stands on each page
    assert "Item 199" in text


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (invoice(total="1446.05"), "not what its lines add up to"),
        (invoice(lines=[]), "no list of 1 to"),
        (invoice(issued_on="1.11.2026"), "issued_on is no date"),
        (invoice(tax_rate="NaN"), "tax_rate is out of range"),
        (invoice(lines=[{"description": "x", "quantity": True, "unit_price": 1}]), "quantity is missing or no number"),
        (invoice(seller="Nord GmbH"), "seller is missing or not an object"),
        (invoice(number=""), "number is missing"),
        ([], "invoice is not an object"),
    ],
)
def test_an_invoice_that_is_none_is_refused_for_good(tmp_path: Path, given: Any, complaint: str) -> None:
    with pytest.raises(PermanentError, match=complaint):
        InvoiceHandler(FILES_ONLY, tmp_path, "")(job(given))
    assert not (tmp_path / "invoices").exists()


OBJECTS = """
select id, bucket_id, name, tenant_id, size_bytes, content_sha256, mime_type, state from storage.objects order by name
"""


def claimed(queue: Queue, given: dict[str, Any]) -> Job:
    """A job as a worker holds it."""
    identifier = queue.enqueue("generate_invoice_pdf", invoice=given)
    with psycopg.connect(queue.worker_conninfo, autocommit=True) as connection:
        row = connection.execute("select lease_id from core.next_jobs('by hand', 1)").fetchone()
    assert row is not None
    return Job(identifier, row[0], NORTH, "generate_invoice_pdf", {"invoice": given})


def stored_by(queue: Queue, folder: Path, **settings: str) -> InvoiceHandler:
    return InvoiceHandler(InvoiceSettings(**settings), folder, queue.worker_conninfo)


def test_the_pdf_is_an_object_in_the_bucket_of_its_tenant(queue: Queue, workers: Workers) -> None:
    identifier = queue.enqueue("generate_invoice_pdf", invoice=invoice())
    workers.drain()
    result = queue.until(identifier, "completed")["result"]
    document = (workers.folder / "invoices" / result["file"]).read_bytes()
    facts = ("invoices", f"{NORTH}/{identifier}.pdf", NORTH, len(document), hashlib.sha256(document).hexdigest())
    ((object_id, *stored, mime, state),) = queue.admin(OBJECTS)
    assert (*stored, mime, state) == (*facts, "application/pdf", "uploaded")
    assert (result["object_id"], result["bytes"], result["sha256"]) == (str(object_id), facts[3], facts[4])
    # A member gets a token for it, and whoever serves tokens finds the bytes.
    with psycopg.connect(queue.database.conninfo) as connection:
        connection.execute("set local role app_user")
        connection.execute("select core.set_context(%s, %s)", (ANN, NORTH))
        signed = connection.execute("select path, token from storage.create_signed_url(%s, %s)", facts[:2]).fetchone()
    assert signed is not None and signed[0] == f"invoices/{result['file']}"
    with psycopg.connect(queue.worker_conninfo) as connection:
        served = connection.execute("select bucket_id, name from storage.redeem_grant(%s)", (signed[1],)).fetchone()
    assert served == facts[:2]


def test_an_attempt_that_died_after_the_upload_is_not_done_again(queue: Queue, tmp_path: Path) -> None:
    held = claimed(queue, invoice())
    first = stored_by(queue, tmp_path)(held)
    target = tmp_path / "invoices" / first["file"]
    written = target.stat().st_mtime_ns
    assert stored_by(queue, tmp_path)(held) == first
    assert target.stat().st_mtime_ns == written


def test_an_attempt_that_died_before_the_bytes_were_there_is_taken_over(queue: Queue, tmp_path: Path) -> None:
    held = claimed(queue, invoice())
    (tmp_path / "invoices").write_text("a file where the folder should be")
    with pytest.raises(JobError, match="cannot be written") as caught:
        stored_by(queue, tmp_path)(held)
    assert caught.value.retryable
    assert [row[-1] for row in queue.admin(OBJECTS)] == ["pending"]
    (tmp_path / "invoices").unlink()
    result = stored_by(queue, tmp_path)(held)
    assert [(str(row[0]), row[-1]) for row in queue.admin(OBJECTS)] == [(result["object_id"], "uploaded")]


def test_what_the_bucket_does_not_take_is_not_written(queue: Queue, tmp_path: Path) -> None:
    queue.admin("update storage.buckets set file_size_limit = 100 where id = 'invoices'")
    with pytest.raises(PermanentError, match="larger than its bucket accepts"):
        stored_by(queue, tmp_path)(claimed(queue, invoice()))
    assert not (tmp_path / "invoices").exists() and queue.admin(OBJECTS) == []


def test_a_worker_that_lost_its_lease_stores_nothing(queue: Queue, tmp_path: Path) -> None:
    held = claimed(queue, invoice())
    queue.admin("update core.job_leases set lease_until = now() - interval '1 second'")
    queue.admin("select core.requeue_expired_leases()")
    with pytest.raises(PermanentError, match="does not hold this job"):
        stored_by(queue, tmp_path)(held)
    assert not (tmp_path / "invoices").exists() and queue.admin(OBJECTS) == []


def test_without_the_module_storage_there_is_the_file_alone(queue: Queue, tmp_path: Path) -> None:
    queue.admin("drop schema storage cascade")
    result = stored_by(queue, tmp_path)(claimed(queue, invoice()))
    assert result["object_id"] is None
    assert (tmp_path / "invoices" / result["file"]).read_bytes().startswith(b"%PDF-")
