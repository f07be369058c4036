"""One string that a regular expression of a CHECK should accept; PostgreSQL itself has the last word.

Covers what schemas use: literals, classes, groups, alternation, quantifiers and anchors. Where it guesses wrong the
candidate is simply refused by the CHECK and the next one is tried.
"""

from __future__ import annotations

__all__ = ["example"]

_CLASSES = {"d": "0", "w": "a", "s": " ", "D": "a", "W": "-", "S": "a"}
_ANCHORS = frozenset("AZmMyYbB<>")
# How long a repeated class gets where the pattern leaves it open: enough salt for two examples to differ.
_SALTED_LENGTH = 6


def example(pattern: str, salt: str = "") -> str | None:
    """A short string that matches `pattern`, or None where the pattern uses something not covered.

    Args:
        salt: lower-case hexadecimal characters used in place of the first of a class, so that examples differ.
    """
    try:
        reader = _Reader(pattern, salt)
        text = reader.alternatives()
        return text if reader.position == len(pattern) else None
    except (IndexError, ValueError):
        return None


class _Reader:
    """Recursive descent over the pattern; each method returns text and moves `position`."""

    def __init__(self, pattern: str, salt: str) -> None:
        self.pattern = pattern
        self.salt = salt
        self.used = 0
        self.position = 0

    def peek(self) -> str:
        return self.pattern[self.position] if self.position < len(self.pattern) else ""

    def take(self) -> str:
        character = self.pattern[self.position]
        self.position += 1
        return character

    def alternatives(self) -> str:
        first = self.sequence()
        while self.peek() == "|":
            self.take()
            self.sequence()
        return first

    def sequence(self) -> str:
        parts = []
        while self.peek() not in ("", "|", ")"):
            start, used = self.position, self.used
            atom = self.atom()
            low, high = self.quantifier()
            end = self.position
            count = max(low, 1 if high != 0 else 0)
            if self.used > used:
                count = max(count, _SALTED_LENGTH if high is None else min(high, _SALTED_LENGTH))
            parts.append(atom)
            if count == 0:
                parts.pop()
            # Read the atom anew for each repetition, so that a salted class gives different characters.
            for _ in range(count - 1):
                self.position = start
                parts.append(self.atom())
            self.position = end
        return "".join(parts)

    def atom(self) -> str:
        character = self.take()
        if character in "^$":
            return ""
        if character == "(":
            if self.peek() == "?":
                self.take()
                if self.take() != ":":
                    raise ValueError("look-around is not covered")
            text = self.alternatives()
            if self.take() != ")":
                raise ValueError("unbalanced parenthesis")
            return text
        if character == "[":
            return self.one_of_class()
        if character == "\\":
            escaped = self.take()
            if escaped in _ANCHORS:
                return ""
            if escaped in "dw":
                return self.salted([("0", "9")] if escaped == "d" else [("a", "z"), ("0", "9")])
            return _CLASSES.get(escaped, escaped)
        return "a" if character == "." else character

    def one_of_class(self) -> str:
        negated = self.peek() == "^"
        if negated:
            self.take()
        members: list[tuple[str, str]] = []
        while self.peek() != "]" or not members:
            low = self.member()
            if self.peek() == "-" and self.pattern[self.position + 1] != "]":
                self.take()
                members.append((low, self.member()))
            else:
                members.append((low, low))
        self.take()
        if negated:
            choices = [c for c in "a0Az_ -" if not any(low <= c <= high for low, high in members)]
            return choices[0] if choices else "~"
        return self.salted(members)

    def salted(self, members: list[tuple[str, str]]) -> str:
        """The next character of the salt, or what stands for it in a class of other letters or of digits only."""
        if self.used < len(self.salt):
            number = int(self.salt[self.used], 16)
            letter = chr(ord("g") + number)
            salt = self.salt[self.used]
            for wanted in (salt, salt.upper(), str(number % 10), letter, letter.upper()):
                if any(low <= wanted <= high for low, high in members):
                    self.used += 1
                    return wanted
        return members[0][0]

    def member(self) -> str:
        character = self.take()
        if character == "[" and self.peek() == ":":
            end = self.pattern.index(":]", self.position)
            name = self.pattern[self.position + 1 : end]
            self.position = end + 2
            return {"digit": "0", "space": " ", "upper": "A", "punct": "-", "xdigit": "0"}.get(name, "a")
        if character == "\\":
            escaped = self.take()
            return _CLASSES.get(escaped, escaped)
        return character

    def quantifier(self) -> tuple[int, int | None]:
        bounds: tuple[int, int | None] = (1, 1)
        character = self.peek()
        if character in ("*", "+", "?") and character:
            self.take()
            bounds = {"*": (0, None), "+": (1, None), "?": (0, 1)}[character]
        elif character == "{":
            end = self.pattern.index("}", self.position)
            low, comma, high = self.pattern[self.position + 1 : end].partition(",")
            self.position = end + 1
            bounds = (int(low), int(high) if high else None if comma else int(low))
        else:
            return bounds
        if self.peek() == "?":
            self.take()
        return bounds
