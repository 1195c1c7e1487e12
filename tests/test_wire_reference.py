"""Every row of every table and every numbered case of the wire reference is named by a test that holds it.

A test names what it holds in its own name (`test_3_3_…` a table, `test_4_3_9_…` a row, `test_8_17_…` a case; several
are joined by `_and_`), at the beginning of a parameter's id ("2.1.4 temperature") or, where another name says more,
in its docstring: “Case 105 of the wire reference”, “Rows 2.7.2 and 6.1.10 of the wire reference”.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxysite.environment import BASE_DIR
from tests.wire_rows import ROWS as ROWS_OF_TABLES

CASES = range(1, 111)
TABLES = (
    *(f"2.{number}" for number in range(1, 12)),
    *(f"3.{number}" for number in range(1, 6)),
    *("4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8", "5.1", "5.2", "5.3", "6.1", "6.2", "6.3"),
    *("7.1", "7.2", "7.3", "7.4"),
)
# The rows of the machine from chat chunks to Anthropic's events, and of the rules for sampling, have numbers of their
# own; other tables' rows are counted.  Some say what a case of section 8 says as well.
ROWS = (
    *(f"{table}.{number}" for table, rows in ROWS_OF_TABLES.items() for number in range(1, len(rows) + 1)),
    *(f"4.3.{number}" for number in range(1, 18)),
    *(f"7.2.{number}" for number in range(1, 12)),
)
SAID_BY_CASE = {
    "4.3.1": 70, "4.3.2": 82, "4.3.3": 80, "4.3.4": 81, "4.3.10": 73,
    "7.2.1": 106, "7.2.7": 110,
}  # fmt: skip
TELLS_ONLY = {"5.3.1", "5.3.6", "6.1.11", "7.2.6", "7.2.9"}  # of servers and clients; they ask for nothing

_NUMBERS = re.compile(r"(?:test|and)((?:_\d+)+)(?=_)")
_SAID = re.compile(r"\b(?:Case|Cases|Row|Rows) ([\d., and]+) of the wire reference")
_ID = re.compile(r"[2-7]\.\d+\.\d+(?= |$)")


def _named() -> frozenset[str]:
    return frozenset(name for path in (BASE_DIR / "tests").rglob("test_*.py") for name in _named_in(path))


def _named_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield from (found[1:].replace("_", ".") for found in _NUMBERS.findall(node.name))
            for said in _SAID.findall(" ".join((ast.get_docstring(node) or "").split())):
                yield from (found if "." in found else f"8.{found}" for found in re.findall(r"\d+(?:\.\d+)*", said))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and (found := _ID.match(node.value)):
            yield found[0]


@pytest.fixture(scope="module")
def named():
    return _named()


def test_every_case_is_named(named):
    assert [number for number in CASES if f"8.{number}" not in named] == []


def test_every_row_is_named_itself_or_by_its_case(named):
    missing = [row for row in ROWS if row not in named and f"8.{SAID_BY_CASE.get(row)}" not in named]
    assert [row for row in missing if row not in TELLS_ONLY] == []


def test_every_table_is_named(named):
    assert [table for table in TABLES if not any(f"{name}.".startswith(f"{table}.") for name in named)] == []


def test_no_test_names_what_there_is_not(named):
    tables = {*TABLES, *ROWS}
    unknown = {name for name in named if name.startswith("8.") and int(name.split(".")[1]) not in CASES}
    unknown |= {name for name in named if name[0] in "234567" and name.count(".") and name not in tables}
    assert unknown == set()
