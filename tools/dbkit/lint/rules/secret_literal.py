"""Secret in a literal.

## What it does
Reports a string that looks like a secret: a private key, a key of a well-known service, a JSON web token, a URL with
a password in it.

## Why is this bad?
Whoever can read the repository, the server's log or the function's source has it, and taking it out of a history is
far more work than keeping it out.

## Example
```sql
create function app.call() returns void language sql set search_path = ''
    return app.http_post('https://user:s3cretpass@api.example.com/hook');
```

## Use instead
```sql
create function app.call() returns void language sql set search_path = ''
    return app.http_post('https://api.example.com/hook');
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import EVERYWHERE, Hit, Rule
from dbkit.report import Severity

rule = Rule(
    code="L050",
    severity=Severity.ERROR,
    files=EVERYWHERE,
    triggers=(
        "private key", "akia", "asia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "sk_live", "rk_live", "sk-", "xox",
        "sg.", "aiza", "eyj", "://",
    ),
)  # fmt: skip

# Forms that nothing but a secret has; what stands for one in examples is left alone by _PLACEHOLDER.
_SECRET = re.compile(
    r"""-----BEGIN\ (?:[A-Z]+\ )?PRIVATE\ KEY-----
    |\b(?:
        (?:AKIA|ASIA)[0-9A-Z]{16}\b
        |gh[pousr]_[A-Za-z0-9]{36,}
        |[sr]k_live_[A-Za-z0-9]{16,}
        |sk-(?:proj-|ant-)?[A-Za-z0-9_-]{32,}
        |xox[abprs]-[A-Za-z0-9-]{20,}
        |SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}
        |AIza[A-Za-z0-9_-]{35}
        |eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}
        |[a-z][a-z0-9+.-]*+://[^\s:/@'"]+:(?P<password>[^\s:/@'"]{3,})@[^\s'"]+
    )""",
    re.VERBOSE,
)
_PLACEHOLDER = re.compile(r"^(?:\$|\{|<|%|x+$|\*+$|pass(?:word)?$|secret$|changeme$)", re.IGNORECASE)


@rule.settled
def check(context: Context) -> Iterator[Hit]:
    text = context.file.text
    for match in _SECRET.finditer(text):
        if match["password"] is None or not _PLACEHOLDER.match(match["password"]):
            yield Hit(
                f"looks like a secret: {match.group()[:8]}…",
                at=match.start(),
                hint="Keep it in a secret store, and change it: it is known now.",
            )
