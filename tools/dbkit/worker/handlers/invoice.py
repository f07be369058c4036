"""`generate_invoice_pdf`: an invoice as a PDF file in the tenant's bucket.

Payload: `invoice` with `number`, `issued_on` (YYYY-MM-DD), `currency`, `seller` and `buyer` (`name`, optional
`address`), `lines` (`description`, `quantity`, `unit_price`), optional `due_on`, `tax_rate` (percent), `total` and
`notes`. Amounts are numbers or texts such as "12.50". A `total` that the lines do not add up to is refused: a wrong
invoice is worse than none.

The file is <tenant>/<job>.pdf in the bucket `invoices`; see `dbkit.worker.handlers.files`. The same job writes the same
bytes, so another attempt after a crash does no harm.
"""

from __future__ import annotations

import importlib.util
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbkit.worker.handlers.files import FileStore
from dbkit.worker.handlers.payload import mapping
from dbkit.worker.job import Job, JobError, PermanentError
from dbkit.worker.settings import InvoiceSettings

if TYPE_CHECKING:
    from fpdf import FPDF

__all__ = ["Invoice", "InvoiceHandler", "Line", "Party", "read_invoice", "render"]

CENT = Decimal("0.01")
MAX_LINES = 2000
# Millimetres; a longer number widens its column, and the description gives way.
QUANTITY_WIDTH, PRICE_WIDTH, AMOUNT_WIDTH = 22.0, 30.0, 32.0
LEAST_DESCRIPTION_WIDTH = 40.0
_BLANKS = re.compile(r"[^\S\n]")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x9f]")
# Where systems keep a font with Latin, Greek and Cyrillic letters.
_FONTS = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
    "/usr/share/fonts/TTF/DejaVuSans.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
    "/System/Library/Fonts/Supplemental/Arial Unicode.ttf",
    "C:/Windows/Fonts/arial.ttf",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of an invoice."""

    description: str
    quantity: Decimal
    unit_price: Decimal

    @property
    def amount(self) -> Decimal:
        return _cents(self.quantity * self.unit_price)


@dataclass(frozen=True, slots=True)
class Party:
    """Seller or buyer."""

    name: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice that adds up.

    Attributes:
        tax_rate: percent on the sum of the lines, 0 for none.
    """

    number: str
    issued_on: date
    due_on: date | None
    currency: str
    seller: Party
    buyer: Party
    lines: tuple[Line, ...]
    tax_rate: Decimal = Decimal(0)
    notes: str = ""

    @property
    def net(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal("0.00"))

    @property
    def tax(self) -> Decimal:
        return _cents(self.net * self.tax_rate / 100)

    @property
    def total(self) -> Decimal:
        return self.net + self.tax


@dataclass(frozen=True, slots=True)
class InvoiceHandler:
    """Writes the invoices of jobs.

    Attributes:
        conninfo: the worker's own database.
    """

    settings: InvoiceSettings
    root: Path
    conninfo: str

    def __call__(self, job: Job) -> dict[str, Any]:
        invoice = read_invoice(mapping(job, "invoice"))
        document, pages = render(invoice, self.settings.font and str(self.root / self.settings.font))
        store = FileStore(self.conninfo, self.root / self.settings.folder, self.settings.bucket)
        stored = store.keep(job, "pdf", "application/pdf", document)
        return {
            "file": stored.name,
            "object_id": stored.object_id and str(stored.object_id),
            "bytes": stored.size,
            "pages": pages,
            "sha256": stored.sha256,
            "total": str(invoice.total),
        }


def read_invoice(given: Mapping[str, Any]) -> Invoice:
    """The payload's invoice.

    Raises:
        PermanentError: a part is missing or of another kind, or the total is not what the lines add up to.
    """
    lines = given.get("lines")
    if (
        not isinstance(lines, list)
        or not 0 < len(lines) <= MAX_LINES
        or not all(isinstance(line, dict) for line in lines)
    ):
        raise PermanentError(f"the invoice has no list of 1 to {MAX_LINES} lines")
    invoice = Invoice(
        number=_text(given, "number"),
        issued_on=_date(given, "issued_on"),
        due_on=_date(given, "due_on") if given.get("due_on") else None,
        currency=_text(given, "currency"),
        seller=_party(given, "seller"),
        buyer=_party(given, "buyer"),
        lines=tuple(
            Line(_text(line, "description"), _number(line, "quantity"), _number(line, "unit_price")) for line in lines
        ),
        tax_rate=_number(given, "tax_rate") if given.get("tax_rate") is not None else Decimal(0),
        notes=_text(given, "notes") if given.get("notes") else "",
    )
    if given.get("total") is not None and _number(given, "total") != invoice.total:
        raise PermanentError("the invoice's total is not what its lines add up to")
    return invoice


def render(invoice: Invoice, font: str | None = None) -> tuple[bytes, int]:
    """The PDF and its number of pages.

    Args:
        font: TrueType file, None to search the usual places.

    Raises:
        JobError: fpdf2 is not installed, or what its letters need.
    """
    try:
        from fpdf import FPDF
    except ImportError:
        raise JobError("this worker cannot write PDFs: install pg-dbkit[worker]") from None
    pdf = FPDF()
    # What the file says of its making is the invoice's date, so that the same invoice gives the same bytes.
    pdf.set_creation_date(datetime(invoice.issued_on.year, invoice.issued_on.month, invoice.issued_on.day, tzinfo=UTC))
    pdf.set_title(f"Invoice {invoice.number}")
    pdf.set_author(invoice.seller.name)
    pdf.set_margin(18)
    letters = "".join(_texts(invoice))
    _choose_font(pdf, font, letters)
    if _need_shaping(letters):
        if importlib.util.find_spec("uharfbuzz") is None:
            raise JobError("this worker cannot set letters that join or run from right to left: install uharfbuzz")
        pdf.set_text_shaping(use_shaping_engine=True)
    pdf.add_page()
    _heading(pdf, invoice)
    _lines(pdf, invoice)
    _totals(pdf, invoice)
    if invoice.notes:
        pdf.ln(8)
        _paragraphs(pdf, pdf.epw, invoice.notes)
    return bytes(pdf.output()), pdf.pages_count


def _choose_font(pdf: FPDF, wanted: str | None, letters: str) -> None:
    """Latin-1 needs no file; everything else needs one that has the letters, for a name must not be misspelt."""
    try:
        letters.encode("latin-1")
        if wanted is None:
            pdf.set_font("helvetica", size=10)
            return
    except UnicodeEncodeError:
        pass
    file = wanted or next((path for path in _FONTS if Path(path).is_file()), None)
    if file is None or not Path(file).is_file():
        raise JobError("no font for the letters of this invoice: set [worker.invoice] font to a TrueType file")
    pdf.add_font("invoice", fname=file)
    pdf.set_font("invoice", size=10)
    known = pdf.fonts["invoice"].cmap
    if any(ord(letter) not in known for letter in letters if letter.isprintable()):
        raise JobError(f"{Path(file).name} lacks letters of this invoice: set [worker.invoice] font to another file")


def _need_shaping(letters: str) -> bool:
    """Whether one glyph a letter, from left to right, would misspell them: Hebrew, Arabic, the scripts of India."""
    return any(
        unicodedata.bidirectional(letter) in ("R", "AL")
        or (unicodedata.category(letter)[0] == "M" and not unicodedata.name(letter, "").startswith("COMBINING"))
        for letter in set(letters)
    )


def _heading(pdf: FPDF, invoice: Invoice) -> None:
    pdf.set_font_size(18)
    pdf.multi_cell(0, 10, f"Invoice {invoice.number}", align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font_size(10)
    dates = f"Issued {invoice.issued_on.isoformat()}"
    if invoice.due_on:
        dates += f", due {invoice.due_on.isoformat()}"
    pdf.cell(0, 6, dates, new_x="LMARGIN", new_y="NEXT")
    pdf.ln(4)
    top, width = pdf.get_y(), pdf.epw / 2
    bottom = top
    for column, (label, party) in enumerate((("From", invoice.seller), ("To", invoice.buyer))):
        pdf.set_xy(pdf.l_margin + column * width, top)
        _paragraphs(pdf, width - 4, "\n".join(filter(None, (label, party.name, party.address))))
        bottom = max(bottom, pdf.get_y())
    pdf.set_xy(pdf.l_margin, bottom + 6)


def _paragraphs(pdf: FPDF, width: float, text: str) -> None:
    """Lines one by one: each runs in the direction of its own letters."""
    for line in text.split("\n"):
        pdf.multi_cell(width, 5, line, align="L", new_x="LEFT", new_y="NEXT")


def _lines(pdf: FPDF, invoice: Invoice) -> None:
    """The rows; the heading is repeated on each page."""
    from fpdf.fonts import FontFace

    lines = [
        (line.description, f"{line.quantity.normalize():f}", _money(line.unit_price), _money(line.amount))
        for line in invoice.lines
    ]
    numbers = (
        _width(pdf, QUANTITY_WIDTH, (line[1] for line in lines)),
        _width(pdf, PRICE_WIDTH, (line[2] for line in lines)),
        _amount_width(pdf, invoice),
    )
    description = max(pdf.epw - sum(numbers), LEAST_DESCRIPTION_WIDTH)
    with pdf.table(
        col_widths=(description, *numbers), text_align=("LEFT", "RIGHT", "RIGHT", "RIGHT"), headings_style=FontFace()
    ) as rows:
        rows.row(("Description", "Quantity", "Unit price", "Amount"))
        for line in lines:
            rows.row(line)


def _totals(pdf: FPDF, invoice: Invoice) -> None:
    sums = [("Net", invoice.net)]
    if invoice.tax_rate:
        sums.append((f"Tax {invoice.tax_rate.normalize():f} %", invoice.tax))
    sums.append((f"Total {invoice.currency}", invoice.total))
    if pdf.will_page_break(4 + 6 * len(sums)):  # they stand together
        pdf.add_page()
    pdf.ln(4)
    width = _amount_width(pdf, invoice)
    for label, amount in sums:
        pdf.cell(pdf.epw - width, 6, label, align="R")
        pdf.cell(width, 6, _money(amount), align="R", new_x="LMARGIN", new_y="NEXT")


def _amount_width(pdf: FPDF, invoice: Invoice) -> float:
    amounts = (*(line.amount for line in invoice.lines), invoice.net, invoice.tax, invoice.total)
    return _width(pdf, AMOUNT_WIDTH, map(_money, amounts))


def _width(pdf: FPDF, usual: float, numbers: Iterable[str]) -> float:
    """Millimetres of a column whose numbers must not be broken in two."""
    needed: float = max(map(pdf.get_string_width, numbers)) + 2 * pdf.c_margin + 1
    return max(usual, needed)


def _texts(invoice: Invoice) -> Iterator[str]:
    yield from (invoice.number, invoice.currency, invoice.notes)
    for party in (invoice.seller, invoice.buyer):
        yield from (party.name, party.address)
    yield from (line.description for line in invoice.lines)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def _money(amount: Decimal) -> str:
    """At least two decimals, thousands apart; a unit price may have more decimals."""
    return f"{_cents(amount):,.2f}" if amount == _cents(amount) else f"{amount.normalize():,f}"


def _text(given: Mapping[str, Any], key: str) -> str:
    value = given.get(key)
    if not isinstance(value, str) or not value.strip():
        raise PermanentError(f"the invoice's {key} is missing or not a text")
    lines = value.replace("\r\n", "\n").replace("\r", "\n")
    # A font has no glyph for a tab or a control character: words would run together.
    return _CONTROLS.sub("", _BLANKS.sub(" ", lines))


def _date(given: Mapping[str, Any], key: str) -> date:
    try:
        return date.fromisoformat(_text(given, key))
    except ValueError:
        raise PermanentError(f"the invoice's {key} is no date such as 2026-01-31") from None


def _party(given: Mapping[str, Any], key: str) -> Party:
    party = given.get(key)
    if not isinstance(party, dict):
        raise PermanentError(f"the invoice's {key} is missing or not an object")
    return Party(_text(party, "name"), _text(party, "address") if party.get("address") else "")


def _number(given: Mapping[str, Any], key: str) -> Decimal:
    value = given.get(key)
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise InvalidOperation
        number = Decimal(str(value))
    except InvalidOperation:
        raise PermanentError(f"the invoice's {key} is missing or no number") from None
    if not number.is_finite() or abs(number) >= 10**10:
        raise PermanentError(f"the invoice's {key} is out of range")
    return number
