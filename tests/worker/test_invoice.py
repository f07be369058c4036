"""generate_invoice_pdf: the file is parsed back by another library."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pypdf import PdfReader

from dbkit.worker.handlers.invoice import InvoiceHandler
from dbkit.worker.job import Job, JobError, PermanentError
from dbkit.worker.settings import InvoiceSettings

TENANT = uuid4()


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
    result = InvoiceHandler(InvoiceSettings(), folder)(job(given))
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
    handler = InvoiceHandler(InvoiceSettings(), tmp_path)
    assert handler(again) == handler(again)


def test_letters_beyond_latin_are_written_with_a_font_that_has_them(tmp_path: Path) -> None:
    _, text, _ = written(tmp_path, invoice(buyer={"name": "Łódź Ειρήνη Київ"}))
    assert "Łódź Ειρήνη Київ" in text


def test_a_font_without_the_letters_is_an_error_and_not_a_misspelt_name(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="lacks letters"):
        InvoiceHandler(InvoiceSettings(), tmp_path)(job(invoice(buyer={"name": "株式会社"})))
    assert not (tmp_path / "invoices").exists()


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
        InvoiceHandler(InvoiceSettings(), tmp_path)(job(given))
    assert not (tmp_path / "invoices").exists()
