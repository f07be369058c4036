"""The HTML page: one file that needs nothing else, readable without its script, with everything to paste."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from leak_schema import execute

from dbkit.leak.html import page
from dbkit.postgres import Database
from dbkit.report import Evidence, Finding, Report, Severity

Run = Callable[..., tuple[int, str, str]]

_VOID = {"meta", "input", "br", "link", "img", "hr"}


class Outline(HTMLParser):
    """Tags in order, text by tag, and whether every tag that opens also closes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: dict[str, list[str]] = {}
        self.feed(text)
        assert self.open == [], self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and data.strip():
            self.words.setdefault(self.open[-1], []).append(data)


@pytest.fixture
def shown(run: Run, clean: Database, tenancy: Path, tmp_path: Path) -> str:
    """The page of a schema with one leak, written beside the text."""
    execute(clean.conninfo, "alter policy own_delete on app.invoices using (true)")
    file = tmp_path / "leak.html"
    code, out, _ = run("--database", clean.conninfo, "--tenancy", str(tenancy), "--html", str(file))
    assert code == 1
    assert "error: DELETE on app.invoices as leak_app crosses tenants" in out
    return file.read_text(encoding="utf-8")


def test_the_page_needs_nothing_else(shown: str) -> None:
    outline = Outline(shown)
    assert not [tag for tag, _ in outline.tags if tag in ("link", "img", "iframe", "object", "base")]
    assert all("src" not in attributes and "href" not in attributes for _, attributes in outline.tags)
    for outside in ("http://", "https://", "//cdn", "@import", "url(", "fetch(", "XMLHttpRequest"):
        assert outside not in shown


def test_everything_can_be_read_without_the_script(shown: str) -> None:
    outline = Outline(shown)
    assert "Tenants are not isolated from each other." in shown
    assert any("DELETE on app.invoices as leak_app crosses tenants" in text for text in outline.words["summary"])
    pasted = [text for text in outline.words["pre"] if "delete from app.invoices" in text]
    assert pasted and any(text.rstrip().endswith("rollback;") for text in pasted)
    assert any("on the own rows" in text for text in outline.words["pre"])
    for label in ("Witness: what came back", "SQL that shows it", "Control: the same on the own rows", "What to do"):
        assert label in outline.words["dt"]
    # What only the script can do is not shown before it runs.
    forms = [attributes for tag, attributes in outline.tags if tag == "form"]
    assert len(forms) == 1 and "hidden" in forms[0]


def test_the_matrix_has_heads_and_reasons(shown: str) -> None:
    outline = Outline(shown)
    scopes = [attributes.get("scope") for tag, attributes in outline.tags if tag == "th"]
    assert scopes.count("col") == 9 and scopes.count("row") == 5
    cells = [attributes for tag, attributes in outline.tags if tag == "td"]
    assert len(cells) == 5 * 8
    labels = [str(attributes.get("aria-label")) for tag, attributes in outline.tags if tag == "summary"]
    assert any(label.startswith("DELETE on app.invoices as leak_app: ") and "LEAK" in label for label in labels)
    assert any("the own rows only (by own_select)" in text for text in outline.words["p"])


def test_the_format_goes_to_stdout(run: Run, clean: Database, tenancy: Path) -> None:
    code, out, _ = run("--database", clean.conninfo, "--tenancy", str(tenancy), "--format", "html")
    assert code == 0
    assert out.startswith("<!doctype html>")
    assert "Every path holds: no tenant reaches another." in out
    Outline(out)


def test_what_a_database_says_is_text() -> None:
    finding = Finding(
        "odd",
        "a <script>alert(1)</script> & more",
        verdict="leak",
        object='x" onclick="y',
        evidence=Evidence(sql="select '</pre><img src=x>';"),
    )
    summary = {"left_out": ["<b>"], "tables": 0, "paths": 0, "holds": 0, "leaks": 1, "unverified": 0}
    outline = Outline(page(None, Report("leak", [finding], summary)))
    tags = [tag for tag, _ in outline.tags]
    assert tags.count("script") == 1 and "img" not in tags and "b" in tags
    assert not any("onclick" in attributes for _, attributes in outline.tags)


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        ([], "Every path holds"),
        ([Finding("w", "w", Severity.WARNING)], "No leak was shown; there are warnings"),
        ([Finding("u", "u", Severity.WARNING, verdict="unverified")], "Not proven"),
        ([Finding("l", "l", verdict="leak")], "Tenants are not isolated"),
    ],
)
def test_the_verdict_is_that_of_the_exit_code(findings: list[Finding], said: str) -> None:
    summary = {"left_out": [], "tables": 0, "paths": 0, "holds": 0, "leaks": 0, "unverified": 0}
    assert said in page(None, Report("leak", findings, summary))
