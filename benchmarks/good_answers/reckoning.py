"""Cases, trials and tables told in sentences: reasoning that repeats its form."""

import itertools
import random

from benchmarks.good_answers.words import NAMES, THINGS, lines


def divisors(chance: random.Random) -> str:
    number = chance.randrange(50, 400)
    form = chance.choice(
        ("{} mod {} is not 0, so it is not a factor.", "{} is not divisible by {}.", "Is {} divisible by {}? No.")
    )
    return f"Is {number} a prime?\n" + lines(chance, lambda n: form.format(number, n + 1), 10, 40)


def truth_table(chance: random.Random) -> str:
    names = chance.sample(THINGS, chance.randrange(2, 5))
    cases = itertools.product(("true", "false"), repeat=len(names))
    return "\n".join(
        "If " + " and ".join(f"the {name} is {said}" for name, said in zip(names, case, strict=True)) + ", then the "
        f"statement is {chance.choice(('true', 'false'))}."
        for case in cases
    )  # fmt: skip


def knights(chance: random.Random) -> str:
    one, two, three = chance.sample(NAMES, 3)
    cases = itertools.product(("knight", "knave"), repeat=3)
    return "\n\n".join(
        f"Case {n}: Suppose {one} is a {a}, {two} is a {b} and {three} is a {c}. Then what {one} says is "
        f"{chance.choice(('true', 'false'))}, and what {two} says is {chance.choice(('true', 'false'))}. "
        f"This is {chance.choice(('possible', 'a contradiction'))}."
        for n, (a, b, c) in enumerate(cases, 1)
    )


def tower(chance: random.Random) -> str:
    moves: list[str] = []

    def move(disks: int, one: str, two: str, three: str) -> None:
        if disks:
            move(disks - 1, one, three, two)
            moves.append(f"Move the top disk from peg {one} to peg {three}.")
            move(disks - 1, two, one, three)

    move(chance.randrange(3, 8), "A", "B", "C")
    return "\n".join(moves)


def coins(chance: random.Random) -> str:
    return chance.choice((", ", " ", "\n")).join(chance.choices(("Heads", "Tails"), k=chance.randrange(30, 400)))


def stack(chance: random.Random) -> str:
    held: list[str] = []
    said = []
    for _ in range(chance.randrange(8, 40)):
        if held and chance.random() < 0.45:
            said.append(f"Pop {held.pop()!r}. The stack is now [{', '.join(held)}].")
        else:
            held.append(chance.choice(THINGS))
            said.append(f"Push {held[-1]!r}. The stack is now [{', '.join(held)}].")
    return "\n".join(said)


def searched(chance: random.Random) -> str:
    wanted = chance.choice(THINGS)
    return lines(chance, lambda n: f"Index {n}: {chance.choice(THINGS)} is not {wanted}, so we go on.", 6, 40)


def constants_listed(chance: random.Random) -> str:
    said = chance.choice(("false", "null", "None", "0.0"))
    return "[" + ", ".join([said] * chance.randrange(20, 150)) + "]"


def decoding_table(chance: random.Random) -> str:
    first = chance.randrange(161, 190)
    return "\n".join(
        f"| {chr(n)} | {n:02X} | {chr(n).encode().decode('cp1252', 'replace')} |" for n in range(first, first + 30)
    )
