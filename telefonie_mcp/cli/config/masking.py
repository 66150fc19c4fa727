"""Masks the secrets in a client's configuration before it is shown. Pure, and linear in the text.

Terminal output is recorded and shared, and the files hold other servers' secrets too. What is a secret is a
guess by names and forms, which masks too much rather than too little: the values of members, flags and
headers that are named like secrets, on the same line or a later one, and passwords in URLs. Comments count,
so this works on text, with what JSON and TOML have in common.
"""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Final

__all__ = ["difference", "without_secrets"]

_MASK: Final = "**********"

_TOKEN: Final = re.compile(
    r'''
      (?P<string> """.*?(?:"""|\Z) | \'\'\'.*?(?:\'\'\'|\Z) | "(?:[^"\\\n]|\\.)*+"? | '[^'\n]*+'? )
    | (?P<comment> //[^\n]*+ | \#[^\n]*+ | /\*.*?(?:\*/|\Z) )
    | (?P<open> [\[{] ) | (?P<close> [\]}] ) | (?P<is> [:=] )
    | (?P<word> (?:[^\s"'\[\]{}:=,\#/]|/(?![/*]))++ )
    | (?P<between> [\s,]++ )
    ''',
    re.VERBOSE | re.DOTALL,
)
"""The parts of a JSON or TOML text. Nothing is matched twice: strings and comments end with the text."""

_QUOTES: Final = re.compile(r"\"\"\"|'''|\"|'")
_VALUE_FOLLOWS: Final = re.compile(r"\s*+[:=]")

_SECRET: Final = re.compile(r"KEY|TOKEN|SECRET|PASS|PWD|AUTH|CREDENTIAL|COOKIE|LEDGER", re.IGNORECASE)
_NAME: Final = re.compile(r"[\w.-]++")
_INLINE_VALUE: Final = re.compile(r"""["'\\\s]*+[:=][\s"'\\]*+""")
_NEXT_ITEM: Final = re.compile(r"""[\s"'\\,]++|\Z""")
_MARKS: Final = "\"'\\,/#* \t\r"
"""What stands around the values in a comment."""

_REFERENCE: Final = re.compile(r"(?:Bearer )?\$\{(?:[a-z]+:)?[\w.-]+(?::-)?\}")
"""A reference to a variable or an input. One with a default may hold the secret itself."""

_LITERALS: Final = frozenset({"", "true", "false", "null"})

_URL: Final = re.compile(r'(?:[^\s"\\]|\\.)++')
"""What has no space and no quote in it, so perhaps a URL."""

_SCHEME: Final = re.compile(r":\\?/\\?/")


def without_secrets(text: str) -> str:
    """Return ``text`` with its secrets masked, line for line."""
    return "".join(_masked(_URL.sub(lambda match: _without_password(match[0]), text)))


def difference(old: str, new: str, name: str) -> Iterator[str]:
    """Yield the lines of a unified difference, with the secrets of both texts masked.

    Secrets are looked for in the whole texts: the name of one may stand on a line that is not shown.
    """
    before, after = _lines(without_secrets(old)), _lines(without_secrets(new))
    yield from (f"--- {name}", f"+++ {name}")
    for group in SequenceMatcher(None, _lines(old), _lines(new)).get_grouped_opcodes():
        (_, first, _, start, _), (_, _, last, _, end) = group[0], group[-1]
        yield f"@@ -{first + (last > first)},{last - first} +{start + (end > start)},{end - start} @@"
        for kind, here, until, there, to in group:
            if kind == "equal":
                yield from (f" {line}" for line in after[there:to])
            else:
                yield from (f"-{line}" for line in before[here:until])
                yield from (f"+{line}" for line in after[there:to])


def _lines(text: str) -> list[str]:
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines if lines[-1] else lines[:-1]


def _without_password(url: str) -> str:
    """Return a word without the password of the URL that it may be; a user alone may be a token."""
    scheme = _SCHEME.search(url)
    start, end = scheme.end() if scheme else 0, url.rfind("@")
    if not scheme or end < start:
        return url
    user, colon, password = url[start:end].partition(":")
    if re.search(r"[/?#]", user) or _REFERENCE.fullmatch(password or user):
        return url
    return f"{url[:start]}{f'{user}:' if colon else ''}{_MASK}{url[end:]}"


def _masked(text: str) -> Iterator[str]:
    """Yield the parts of ``text``, masked."""
    name = ""
    secret_next = False  # the next value is a secret
    secret_remark = False  # the next line of a comment is one
    secret_lists: list[bool] = []  # whether each open bracket is, or is in, a list of secrets
    for token in _TOKEN.finditer(text):
        part = token[0]
        inside = bool(secret_lists) and secret_lists[-1]
        match token.lastgroup:
            case "string" | "word":
                opening, name, closing = _unquoted(part)
                if _VALUE_FOLLOWS.match(text, token.end()):
                    pass
                elif secret_next or inside:
                    part = f"{opening}{_hidden(name)}{closing}"
                    secret_next = _is_flag(name)
                elif opening:
                    shown, secret_next = _inline(name)
                    part = f"{opening}{shown}{closing}"
            case "is":
                secret_next = _is_secret(name)
            case "open":
                secret_lists.append(inside or (part == "[" and secret_next))
                secret_next = False
            case "close":
                secret_lists[-1:] = []
                secret_next = False
            case "comment":
                part, secret_remark = _inline(part, hidden=secret_remark)
            case _:
                pass
        yield part


def _unquoted(part: str) -> tuple[str, str, str]:
    """Return the opening quotes of a string, its content, and the closing quotes, which may be missing."""
    quotes = _QUOTES.match(part)
    opening = quotes[0] if quotes else ""
    closed = bool(opening) and len(part) >= 2 * len(opening) and part.endswith(opening)
    closing = opening if closed else ""
    return opening, part[len(opening) : len(part) - len(closing)], closing


def _inline(text: str, *, hidden: bool = False) -> tuple[str, bool]:
    """Mask what a string or a comment says after the name of a secret.

    Args:
        text: The string or comment.
        hidden: Its first line is a secret itself.

    Returns:
        The masked text, and whether it ends with a name whose value comes next.

    """
    lines: list[str] = []
    for line in text.split("\n"):
        start = len(line) - len(line.lstrip(_MARKS)) if hidden else _start_of_secret(line)
        hidden = start is not None and not line[start:].strip(_MARKS)
        plain = start is None or hidden
        lines.append(line if plain else f"{line[:start]}{_hidden(line[start or 0 :])}")
    return "\n".join(lines), hidden


def _start_of_secret(line: str) -> int | None:
    """Return where the first secret of a line begins, which is its end if the value comes later."""
    for name in _NAME.finditer(line):
        if name[0].lower() == "bearer" or _is_flag(name[0]):
            value = _INLINE_VALUE.match(line, name.end()) or _NEXT_ITEM.match(line, name.end())
        else:
            value = _INLINE_VALUE.match(line, name.end()) if _is_secret(name[0]) else None
        if value:
            return value.end()
    return None


def _hidden(value: str) -> str:
    """Return a secret masked, unless it only refers to one."""
    if value.strip() in _LITERALS or _REFERENCE.fullmatch(value):
        return value
    return "\n".join(_MASK if line.strip() else line for line in value.split("\n"))


def _is_flag(name: str) -> bool:
    return name.startswith("-") and _is_secret(name)


def _is_secret(name: str) -> bool:
    return bool(_SECRET.search(name)) and not name.lower().endswith("file")
