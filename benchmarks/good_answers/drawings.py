"""What is drawn with letters: bars, rules, boards, notes."""

import random

from benchmarks.good_answers.words import DEEDS, PLACES, THINGS, lines


def emoji_grid(chance: random.Random) -> str:
    tiles = chance.sample("🟩🟨⬛🟦🟥⬜", 3)
    return lines(chance, lambda n: "".join(chance.choices(tiles, weights=(6, 2, 1), k=9)), 6, 40)


def bars(chance: random.Random) -> str:
    def row(n: int) -> str:
        share = chance.randrange(101)
        return f"{chance.choice(PLACES):10} {'█' * (share // 2)}{'░' * (50 - share // 2)} {share}%"

    return lines(chance, row, 6, 40)


def progress(chance: random.Random) -> str:
    return "\n".join(
        f"Downloading: [{'=' * (n // 2)}>{' ' * (50 - n // 2)}] {n}%" for n in range(0, 101, chance.choice((1, 2, 5)))
    )


def art(chance: random.Random) -> str:
    return lines(chance, lambda n: "".join(chance.choice(("  ", "##", "/\\", "__", "| ")) for _ in range(30)), 8, 40)


def tree(chance: random.Random) -> str:
    size = chance.randrange(5, 25)
    return "\n".join(" " * (size - n) + "*" * (2 * n - 1) for n in range(1, size))


def listing(chance: random.Random) -> str:
    return "project/\n" + lines(
        chance,
        lambda n: (
            "│   " * chance.randrange(3)
            + chance.choice(("├── ", "└── "))
            + chance.choice(THINGS)
            + f"_{chance.choice(DEEDS)}.py"
        ),
    )


def tabs(chance: random.Random) -> str:
    return "\n\n".join(
        "\n".join(
            f"{string}|" + "".join(chance.choice(("-", "-", "-", "0", "2", "3")) + "-" for _ in range(28)) + "|"
            for string in "eBGDAE"
        )
        for _ in range(chance.randrange(2, 8))
    )


def chapters(chance: random.Random) -> str:
    return lines(
        chance,
        lambda n: f"Chapter {n}: The {chance.choice(THINGS).title()} {'.' * chance.randrange(20, 40)} {n * 11}",
        10,
        50,
    )


def dividers(chance: random.Random) -> str:
    rule = chance.choice(("-", "=", "─", "* ", "~", "═")) * chance.randrange(20, 100)
    return f"\n{rule}\n".join(f"Section {n}: {chance.choice(THINGS)} and {chance.choice(THINGS)}" for n in range(1, 15))


def blank_form(chance: random.Random) -> str:
    return lines(chance, lambda n: f"{chance.choice(DEEDS).title()}: {'_' * chance.randrange(20, 60)}", 8, 40)


def sudoku(chance: random.Random) -> str:
    rule = "+-------+-------+-------+"
    rows = ("| " + " | ".join(" ".join(chance.choices("123456789.", k=3)) for _ in range(3)) + " |" for _ in range(9))
    return "\n".join([rule, *rows, rule])


def morse(chance: random.Random) -> str:
    return " / ".join(
        " ".join(chance.choices((".-", "-...", ".", "--", "...", "-.-"), k=5)) for _ in range(chance.randrange(10, 60))
    )
