"""The comparison as a table for people and as JSON for programs."""

import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict

from benchmarks.comparison import DISTURBED, Plan, Row, Series

_HEADINGS = ("", "requests/s", "p50 ms", "p99 ms", "core", "streams/s", "p50 ms", "p99 ms", "core")
_RATIOS = ("÷ floor", "÷ nginx")
_MISSING = "-"


def say(text: str) -> None:
    """To who watches, apart from the results."""
    print(text, file=sys.stderr, flush=True)


def table(rows: Sequence[Row]) -> str:
    """A Markdown table; in the ratio columns the first figure is of requests, the second of streams."""
    measured = {row.name: row for row in rows if not row.reason}
    lines = [(*_HEADINGS, *_RATIOS)]
    for row in rows:
        if row.reason:
            continue
        cells = (row.name, *_cells(row.requests), *_cells(row.streams))
        lines.append((*cells, _ratios(row, measured.get("floor")), _ratios(row, measured.get("nginx"))))
    return "\n".join([_markdown(lines), "", *_notes(rows)]).rstrip()


def _cells(series: Series) -> tuple[str, str, str, str]:
    if not series.windows:
        return (_MISSING,) * 4
    rate = f"{series.rate:,.0f}".replace(",", " ")
    mark = "≥ " if series.limited_elsewhere else ""
    return mark + rate, f"{series.p50_ms:.1f}", f"{series.p99_ms:.1f}", f"{series.busy * 100:.0f} %"


def _ratios(row: Row, base: Row | None) -> str:
    if base is None or row is base:
        return _MISSING
    return f"{_ratio(row.requests, base.requests)} / {_ratio(row.streams, base.streams)}"


def _ratio(series: Series, base: Series) -> str:
    return f"{series.rate / base.rate:.2f}" if series.rate and base.rate else _MISSING


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    rendered = [
        "| "
        + " | ".join(_aligned(cell, width, first=not column) for column, (cell, width) in _numbered(line, widths))
        + " |"
        for line in lines
    ]
    rule = "|" + "|".join(
        "-" * (width + 2) if not column else "-" * (width + 1) + ":" for column, width in enumerate(widths)
    )
    return "\n".join([rendered[0], rule + "|", *rendered[1:]])


def _numbered(line: Sequence[str], widths: Sequence[int]) -> enumerate[tuple[str, int]]:
    return enumerate(zip(line, widths, strict=True))


def _aligned(cell: str, width: int, *, first: bool) -> str:
    return cell.ljust(width) if first else cell.rjust(width)


def _notes(rows: Sequence[Row]) -> list[str]:
    notes = []
    if any(series.limited_elsewhere for row in rows for series in (row.requests, row.streams) if series.windows):
        notes.append(
            "≥: the server did not use up its core: the load generator, the upstream or other programs were the limit."
        )
    notes += _disturbances([series for row in rows for series in (row.requests, row.streams)])
    notes += [f"{row.name} was not measured: {row.reason}" for row in rows if row.reason]
    for row in rows:
        for kind, series in (("requests", row.requests), ("streams", row.streams)):
            if series.problem:
                notes.append(f"{row.name}, {kind}: {series.problem}")
    return notes


def _disturbances(all_series: Sequence[Series]) -> list[str]:
    """What other programs did to the figures."""
    left_out = sum(len(series.windows) - len(series.counted) for series in all_series)
    counted = [window.others for series in all_series for window in series.counted]
    if not counted:
        return []
    notes = [f"Other programs used {statistics.median(counted):.2f} cores meanwhile (median)."]
    if left_out:
        notes.append(f"{left_out} windows in which they used more than {DISTURBED} cores are left out.")
    return notes


def costs(rows: Sequence[Row]) -> str:
    """Processor time of each server per answer: it holds even where the load generator was the limit."""
    lines = ["Processor time of the server in µs, per request and per stream of 100 tokens:"]
    for row in rows:
        if row.requests.windows and row.streams.windows:
            lines.append(f"  {row.name:<30}{row.requests.cpu_us:>9.0f}{row.streams.cpu_us:>9.0f}")
    return "\n".join(lines)


def as_json(rows: Sequence[Row], plan: Plan, machine: dict[str, str | int], cores: str) -> dict[str, object]:
    return {"machine": machine, "cores": cores, "plan": asdict(plan), "rows": [_row_as_json(row) for row in rows]}


def _row_as_json(row: Row) -> dict[str, object]:
    if row.reason:
        return {"name": row.name, "not_measured": row.reason}
    return {"name": row.name, "requests": _series_as_json(row.requests), "streams": _series_as_json(row.streams)}


def _series_as_json(series: Series) -> dict[str, object]:
    return {
        "per_second": round(series.rate, 1),
        "p50_ms": round(series.p50_ms, 3),
        "p99_ms": round(series.p99_ms, 3),
        "core_share": round(series.busy, 3),
        "cpu_us_per_answer": round(series.cpu_us, 1),
        "limited_elsewhere": series.limited_elsewhere,
        "problem": series.problem,
        "windows": [asdict(window) for window in series.windows],
    }
