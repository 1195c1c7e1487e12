"""Data: rows, records and numbers that look alike."""

import json
import random

from benchmarks.good_answers.words import DEEDS, NAMES, PLACES, STATES, THINGS, lines


def json_objects(chance: random.Random) -> str:
    rows = [
        {
            "id": n,
            "name": chance.choice(NAMES),
            "active": chance.random() < 0.5,
            "role": "viewer",
            "tags": [],
            "meta": None,
        }
        for n in range(chance.randrange(10, 80))
    ]
    return json.dumps(rows, indent=chance.choice((None, 2, 4)))


def same_json_objects(chance: random.Random) -> str:
    rows = [{"x": n, "y": 0, "visible": True, "layer": "base", "style": {"fill": "none"}} for n in range(60)]
    return json.dumps(rows, indent=chance.choice((None, 2)))


def json_lines(chance: random.Random) -> str:
    return lines(
        chance, lambda n: json.dumps({"ts": 1700000000 + n * 17, "level": "info", "msg": chance.choice(THINGS)})
    )


def sql_inserts(chance: random.Random) -> str:
    table = chance.choice(THINGS)
    return lines(
        chance,
        lambda n: (
            f"INSERT INTO {table}s (id, name, city, price) VALUES ({n}, '{chance.choice(NAMES)}', "
            f"'{chance.choice(PLACES)}', {chance.randrange(100, 99999) / 100});"
        ),
    )


def hexdump(chance: random.Random) -> str:
    zero = chance.random() < 0.3

    def row(n: int) -> str:
        data = bytes(0 if zero and n % 4 else chance.randrange(256) for _ in range(16))
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)
        return f"{n * 16:08x}  {data[:8].hex(' ')}  {data[8:].hex(' ')}  |{text}|"

    return lines(chance, row)


def csv_constant(chance: random.Random) -> str:
    return "date,station,unit,flag,value\n" + lines(
        chance,
        lambda n: (
            f"2024-{1 + n // 28:02}-{1 + n % 28:02},{PLACES[0]},celsius,ok,{chance.choice(('0.0', '0.0', '1.5'))}"
        ),
        30,
        200,
    )


def csv_same(chance: random.Random) -> str:
    return "user,password,role\n" + lines(chance, lambda n: f"testuser{n},Passw0rd!,viewer", 20, 150)


def log(chance: random.Random) -> str:
    return lines(
        chance,
        lambda n: (
            f"2026-03-{1 + n % 28:02} 12:{n % 60:02}:07,{chance.randrange(999):03} INFO worker-{chance.randrange(4)} "
            f"{chance.choice(DEEDS)} {chance.choice(THINGS)} took {chance.randrange(900)} ms"
        ),
        20,
        200,
    )


def health_log(chance: random.Random) -> str:
    return lines(
        chance,
        lambda n: f'10.0.0.{n % 5} - - [12/Mar/2026:12:{n % 60:02}:00 +0000] "GET /health HTTP/1.1" 200 2',
        20,
        200,
    )


def table(chance: random.Random) -> str:
    return "| Id | Name | State | City |\n|----|------|-------|------|\n" + lines(
        chance, lambda n: f"| {n} | {chance.choice(NAMES)} | {chance.choice(STATES)} | {chance.choice(PLACES)} |"
    )


def same_table(chance: random.Random) -> str:
    return "| Day | Morning | Evening |\n|---|---|---|\n" + lines(chance, lambda n: f"| {n} | rest | rest |", 10, 32)


def times_table(chance: random.Random) -> str:
    by = chance.randrange(2, 20)
    return lines(chance, lambda n: f"{by} × {n} = {by * n}", 12, 101)


def dna(chance: random.Random) -> str:
    return lines(
        chance, lambda n: f"{n * 60 - 59:>9} " + " ".join("".join(chance.choices("acgt", k=10)) for _ in range(6))
    )


def satellite(chance: random.Random) -> str:
    return "The repeat is:\n\n" + "CAG" * chance.randrange(10, 30) + "\n\nand it is longer in patients."


def binary(chance: random.Random) -> str:
    return " ".join(f"{chance.randrange(256):08b}" for _ in range(chance.randrange(40, 300)))


def matrix(chance: random.Random) -> str:
    return (
        "[\n"
        + lines(chance, lambda n: "  [" + ", ".join(chance.choices(("0", "0", "0", "1"), k=12)) + "],", 6, 40)
        + "\n]"
    )


def zeros(chance: random.Random) -> str:
    size = chance.randrange(6, 20)
    return "[" + ",\n ".join(["[" + ", ".join(["0"] * size) + "]"] * size) + "]"


def uuids(chance: random.Random) -> str:
    return lines(
        chance, lambda n: f"{chance.randrange(16**8):08x}-0000-4000-8000-{chance.randrange(16**12):012x}", 20, 120
    )


def addresses(chance: random.Random) -> str:
    return lines(
        chance,
        lambda n: f"https://example.org/{chance.choice(THINGS)}s/{chance.randrange(9999)}?page={n}&sort=name&order=asc",
    )


def emoji_table(chance: random.Random) -> str:
    marks = "✅❌⚠️"
    return "| Feature | Free | Pro | Team |\n|---|---|---|---|\n" + lines(
        chance,
        lambda n: (
            f"| {chance.choice(THINGS)} {chance.choice(DEEDS)} | " + " | ".join(chance.choices(marks[:2], k=3)) + " |"
        ),
    )


def latex_table(chance: random.Random) -> str:
    def row(n: int) -> str:
        return " & ".join([chance.choice(PLACES), *(f"{chance.random():.2f}" for _ in range(6))]) + r" \\ \hline"

    return "\\begin{tabular}{|l|r|r|r|r|r|r|}\n\\hline\n" + lines(chance, row, 10, 50) + "\n\\end{tabular}"
