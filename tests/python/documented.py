"""Which statuses the header says a function may answer."""

import re
from pathlib import Path

HEADER = Path(__file__).resolve().parents[2] / "include" / "mysqlfabric.h"

STATUS = re.compile(r"#define (FABRIC_(?:OK|ERR_\w+)) (\d+)$", re.MULTILINE)
FUNCTION = re.compile(r"/\*\*\n((?: \*[^\n]*\n)+?) \*/\n[^;{}#]*?\b(fabric_\w+)\(")


def _numbers(text):
    return {name: int(number) for name, number in STATUS.findall(text)}


def _retvals(comment):
    """The @retval paragraphs of a comment, each in one line."""
    lines = [line[2:].strip() for line in comment.splitlines()]
    paragraph = None
    for line in lines + [""]:
        if line.startswith("@") or not line:
            if paragraph:
                yield paragraph
            paragraph = line if line.startswith("@retval") else None
        elif paragraph:
            paragraph += " " + line


def documented():
    """The numbers of the statuses of each function that has @retval lines."""
    text = HEADER.read_text(encoding="utf-8")
    numbers = _numbers(text)
    named, like = {}, {}
    for comment, function in FUNCTION.findall(text):
        for retval in _retvals(comment):
            statuses = named.setdefault(function, set())
            statuses.update(numbers[name] for name in re.findall(r"FABRIC_(?:OK|ERR_\w+)", retval))
            for other in re.findall(r"\b[Aa]s for (fabric_\w+)\(", retval):
                like.setdefault(function, set()).add(other)

    def all_of(function, seen):
        if function in seen:
            return set()
        others = like.get(function, ())
        return named.get(function, set()).union(*(all_of(o, seen | {function}) for o in others))

    return {function: all_of(function, set()) for function in named}
