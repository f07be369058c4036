"""Whether PostgreSQL would take the body of a function: its own parsers of SQL and of PL/pgSQL are asked.

The parser of PL/pgSQL runs without a catalog, so it is handed a function of the same shape with types it knows. Of what
it complains of, only what the grammar alone decides is believed.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from dbkit.lint.flow import blanked
from dbkit.lint.trees import names
from dbkit.parse import Body, Node, SyntaxFault, SyntaxProblem, parse_tree
from dbkit.patterns import lazy_pattern
from dbkit.sqltext import identifier

__all__ = ["body_problem"]

# What the grammar says whatever the types are. Of a type or a table that is not known it says other things.
_GRAMMAR = lazy_pattern(
    r""".*\ at\ (?:or\ near\ ".*"|end\ of\ input)\Z
    |missing\ "|diagnostics\ item\ |INTO\ (?:specified\ more\ than\ once|used\ with\ a\ command)
    |too\ (?:few|many)\ parameters\ specified\ for\ RAISE|unrecognized\ RAISE\ |RAISE\ without\ parameters\ cannot
    |(?:EXIT|CONTINUE)\ cannot\ be\ used\ outside|there\ is\ no\ label\ "|(?:block|end)\ label\ "
    |cursor\ FOR\ loop\ must|loop\ variable\ of\ loop\ over\ rows\ must\ be|"[^".]*"\ is\ not\ a\ known\ variable""",
    re.DOTALL | re.VERBOSE,
)
_NEAR = lazy_pattern(r'at or near "(?P<token>.*)"$', re.DOTALL)
_DOT = lazy_pattern(r"(?<=\w)\.(?=[^\W\d])")
_SECTION = lazy_pattern(r"\bdeclare\b.*?\bbegin\b", re.IGNORECASE | re.DOTALL)
# Only what fills them in knows the text: placeholders of Flyway, goose and Jinja, of build tools and extension scripts.
_PLACEHOLDER = lazy_pattern(r"\$\{|\{\{|\{%|@\w+@")
# A word or a sign of a body without its strings and comments.
_MARK = lazy_pattern(r"\w+|:=|[^\s\w]")
_NONSENSE = " dbkit_nonsense dbkit_nonsense "
_MODES = {"FUNC_PARAM_OUT": "out", "FUNC_PARAM_INOUT": "inout", "FUNC_PARAM_VARIADIC": "variadic"}


def body_problem(body: Body) -> SyntaxProblem | None:
    """What keeps a body in SQL or PL/pgSQL from being created, with its place in the file; None for nothing."""
    is_variable = body.statement.script.text.startswith(":'", body.offset - 2)  # psql's, with the body in it
    if is_variable or _PLACEHOLDER.search(body.text):
        return None
    if body.language == "sql":
        try:
            parse_tree(body.text)
        except SyntaxFault as fault:
            return SyntaxProblem(fault.message, body.offset + fault.offset)
        return None
    if body.language != "plpgsql":
        return None
    complaint = _complaint(body, body.text)
    if complaint is None or not _GRAMMAR.match(complaint):
        return None
    return SyntaxProblem(complaint.splitlines()[0], body.offset + _place(body, complaint))


def _complaint(body: Body, text: str) -> str | None:
    """What the parser of PL/pgSQL says of a text as this body; None when it takes it."""
    from pglast import parser

    quote = "$dbkit$"
    while quote in text:
        quote = f"{quote[:-1]}_$"
    written = f"{quote}{_without_schemas(text)}{quote}"
    if body.immediate:
        script = f"do {written}"
    else:
        function = body.statement.node
        name = identifier(names(function["funcname"])[-1])  # what qualifies its parameters
        script = f"create function {name}({_parameters(function)}) {_result(function)} language plpgsql as {written}"
    try:
        parser.parse_plpgsql_json(script)
    except parser.ParseError as error:
        return str(error.args[0])
    return None


def _without_schemas(text: str) -> str:
    """A body whose DECLARE sections name no schema: the parser knows none but its own."""
    for section in _SECTION.finditer(blanked(text)):
        begin, end = section.span()
        text = text[:begin] + _DOT.sub("_", text[begin:end]) + text[end:]
    return text


def _parameters(function: Node) -> str:
    """The parameters of a CreateFunctionStmt: its names and modes, each a number."""
    found = []
    for item in function.get("parameters", ()):
        parameter = item["FunctionParameter"]
        if parameter["mode"] != "FUNC_PARAM_TABLE":
            mode = _MODES.get(parameter["mode"], "in")
            name = f"{identifier(parameter['name'])} " if "name" in parameter else ""
            found.append(f"{mode} {name}{'int[]' if mode == 'variadic' else 'int'}")
    return ", ".join(found)


def _result(function: Node) -> str:
    """What a CreateFunctionStmt returns, in a type that RETURN is checked alike for."""
    columns = [
        f"{identifier(item['FunctionParameter']['name'])} int"
        for item in function.get("parameters", ())
        if item["FunctionParameter"]["mode"] == "FUNC_PARAM_TABLE"
    ]
    if columns:
        return f"returns table ({', '.join(columns)})"
    kind = function.get("returnType")
    if kind is None:
        return "returns void" if function.get("is_procedure") else ""
    name = names(kind["names"])[-1]
    known = name if name in ("void", "trigger", "event_trigger", "record") else "int"
    return f"returns {'setof ' if kind.get('setof') else ''}{known}"


def _place(body: Body, complaint: str) -> int:
    """Where in the body the complaint is about: the parser names at most the word, not its place.

    It reads from the front and stops where it complains, so that nothing behind that place matters.
    """
    text, near = blanked(body.text), _NEAR.search(complaint)
    if complaint.startswith("unterminated ") and near:
        return body.text.rfind(near["token"])
    marks = [match.span() for match in _MARK.finditer(text)]
    reached = bisect_left(marks, True, key=lambda mark: _complaint(body, body.text[: mark[1]] + _NONSENSE) == complaint)
    if reached == len(marks):
        return len(body.text.rstrip())
    stopped_at, end = marks[reached]
    # An expression is read up to its end before SQL's parser sees it; that one stops where it complains, too.
    begin, at = text.rfind(";", 0, stopped_at) + 1, end
    while near and (at := body.text.rfind(near["token"], begin, at)) >= 0:
        if _complaint(body, body.text[:at] + _NONSENSE + body.text[at:]) != complaint:
            return at
    return stopped_at
