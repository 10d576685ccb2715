"""The library's messages speak of options and calls as Python has them."""

import builtins
import inspect
import operator
import re

import mysqlfabric as mf
from mysqlfabric._errors import _NAMES, in_python

from conftest import ROOT

HEADER = (ROOT / "include" / "mysqlfabric.h").read_text()
OF_RUST = re.compile(r"""//[^\n]*|'(?:\\.|[^\\'\n])'|r#".*?"#|"((?:[^"\\]|\\.)*)\"""", re.DOTALL)
OF_C = re.compile(r"\b(?:fabric_[a-z0-9_]+|FABRIC_[A-Z_]+)\b")

NOT_SAID = {"FABRIC_LOG_ERROR": "log_level is a level of logging, and checked as one"}
"""Names that nobody hears of from Python, and why."""


def literals():
    """All string literals of the library but those of its tests."""
    for path in sorted((ROOT / "src").rglob("*.rs")):
        if path.name not in ("tests.rs", "testing.rs"):
            code = path.read_text().split("\n#[cfg(test)]\nmod tests {")[0]
            found = (match[1] for match in OF_RUST.finditer(code) if match[1] is not None)
            yield from (re.sub(r"\\\n\s*", "", literal) for literal in found)


def names_of_c():
    """What messages call by its name in C: functions and constants of the header."""
    for literal in literals():
        for name in OF_C.findall(literal):
            is_known = re.search(rf"\b{name}\(|#define {name} ", HEADER)
            # By itself it says which function it is, and stands before what is wrong with an option.
            if is_known and (literal != name or name.startswith("fabric_options_")):
                yield name


def exists(name):
    if name in inspect.signature(mf.Farm).parameters:
        return True
    for place in (mf, builtins):
        try:
            operator.attrgetter(name.removesuffix("()"))(place)
            return True
        except AttributeError:
            pass
    return False


def test_every_name_of_c_has_one_in_python():
    names = set(names_of_c())
    assert len(names) > 40, "the literals have moved"
    strange = {}
    for name in sorted(names - NOT_SAID.keys()):
        for form in (name, f"{name}()") if name.islower() else (name,):
            said = in_python(f"see {form}; {form} says it").removeprefix("see ").split(";")[0]
            if not all(exists(part) for part in said.split(" and ")):
                strange[form] = said
    assert strange == {}, "give them a name in _NAMES, or say in NOT_SAID why nobody hears of them"
    assert NOT_SAID.keys() <= names


def test_every_name_in_the_table_is_of_the_header():
    for name, own in _NAMES.items():
        assert f"{name}(" in HEADER, name
        assert all(exists(part) for part in own.split(" and ")), own
