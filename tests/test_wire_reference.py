"""Every table and every numbered row and case of the wire reference is named by a test that holds it.

A test names what it holds in its own name (`test_3_3_…` a table, `test_4_3_9_…` a numbered row, `test_8_17_…` a case;
several are joined by `_and_`) or, where another name says more, in its docstring: “Case 105 of the wire reference”.
"""

import ast
import re
from pathlib import Path

import pytest

from proxysite.environment import BASE_DIR

CASES = range(1, 111)
TABLES = (
    *(f"2.{number}" for number in range(1, 12)),
    *(f"3.{number}" for number in range(1, 6)),
    *("4.1", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8", "5.1", "5.2", "6.2", "6.3", "7.1", "7.2", "7.3"),
)
# The rows of the machine from chat chunks to Anthropic's events, and of the rules for sampling, are numbered.  Some
# say what a case of section 8 says as well; 7.2.6 and 7.2.9 tell of servers and ask for nothing.
ROWS = (*(f"4.3.{number}" for number in range(1, 18)), *(f"7.2.{number}" for number in (1, 2, 3, 4, 5, 7)))
SAID_BY_CASE = {
    "4.3.1": 70, "4.3.2": 82, "4.3.3": 80, "4.3.4": 81, "4.3.10": 73,
    "7.2.1": 106, "7.2.7": 110,
}  # fmt: skip

_NUMBERS = re.compile(r"(?:test|and)((?:_\d+)+)(?=_)")
_CASE = re.compile(r"\bCase (\d+) of the wire reference")


def _functions(path: Path) -> list[ast.FunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]


def _named() -> frozenset[str]:
    names: set[str] = set()
    for path in (BASE_DIR / "tests").rglob("test_*.py"):
        for function in _functions(path):
            names |= {found[1:].replace("_", ".") for found in _NUMBERS.findall(function.name)}
            names |= {f"8.{number}" for number in _CASE.findall(ast.get_docstring(function) or "")}
    return frozenset(names)


@pytest.fixture(scope="module")
def named():
    return _named()


def test_every_case_is_named(named):
    assert [number for number in CASES if f"8.{number}" not in named] == []


def test_every_numbered_row_is_named_itself_or_by_its_case(named):
    missing = [row for row in ROWS if row not in named and f"8.{SAID_BY_CASE.get(row)}" not in named]
    assert missing == []


def test_every_table_is_named(named):
    assert [table for table in TABLES if not any(f"{name}.".startswith(f"{table}.") for name in named)] == []


def test_no_test_names_what_there_is_not(named):
    tables = {*TABLES, *ROWS}
    unknown = {name for name in named if name.startswith("8.") and int(name.split(".")[1]) not in CASES}
    unknown |= {name for name in named if name[0] in "234567" and name.count(".") and name not in tables}
    assert unknown == set()
