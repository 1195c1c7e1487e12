"""Songs, tales and forms whose parts differ in a word."""

import random

from benchmarks.good_answers.words import NAMES, PLACES, THINGS

COUNT = ("Ten", "Nine", "Eight", "Seven", "Six", "Five", "Four", "Three", "Two", "One")
BEASTS = ("cow", "horse", "pig", "fox", "dog", "goat", "hen", "cat")
BODY = ("toes", "feet", "knees", "hips", "belly", "chest", "shoulders", "arms", "hands", "neck", "jaw", "eyes", "brow")


def counted_down(chance: random.Random) -> str:
    return "\n\n".join(
        f"{number} little monkeys jumping on the bed,\nOne fell off and bumped his head.\nMama called the doctor and the "
        'doctor said,\n"No more monkeys jumping on the bed!"'
        for number in COUNT[chance.randrange(6) :]
    )


def tale_with_refrain(chance: random.Random) -> str:
    return "\n\n".join(
        f'"Stop!" said the {beast}. "I want to eat you!" But the gingerbread man ran and ran. "Run, run, as fast as you '
        "can! You can't catch me, I'm the gingerbread man!\""
        for beast in chance.sample(BEASTS, chance.randrange(4, 9))
    )


def swallowed(chance: random.Random) -> str:
    beasts = BEASTS[: chance.randrange(4, 9)]
    return "\n\n".join(
        f"There was an old lady who swallowed a {beasts[at]}.\n"
        + "".join(f"She swallowed the {beasts[n]} to catch the {beasts[n - 1]},\n" for n in range(at, 0, -1))
        + "Perhaps she'll die."
        for at in range(len(beasts))
    )


def body_scan(chance: random.Random) -> str:
    return "\n\n".join(
        f"Now bring your attention to your {part}. Notice what you feel in your {part}. Breathe into your {part}, and as "
        f"you breathe out, let your {part} relax."
        for part in BODY[: chance.randrange(4, 14)]
    )


def pages_of_places(chance: random.Random) -> str:
    return "\n\n".join(
        f"Looking for a reliable plumber in {place}? Our team repairs pipes quickly and at fair prices in {place} and the "
        "villages around it. Call us today for a free quote."
        for place in chance.sample(PLACES, chance.randrange(4, 12))
    )


def letters(chance: random.Random) -> str:
    return "\n\n".join(
        f"Dear {name},\n\nThank you for your interest in our {thing}. We have received your letter and will answer it "
        "within two weeks.\n\nKind regards,\nThe team"
        for name, thing in zip(chance.sample(NAMES, 8), chance.sample(THINGS, 8), strict=True)
    )


def lines_returning(chance: random.Random) -> str:
    """A pantoum: the second and fourth line of a stanza are the first and third of the next."""

    def line() -> str:
        return f"The {chance.choice(THINGS)} of {chance.choice(PLACES)} and the {chance.choice(THINGS)} of {chance.choice(NAMES)}"

    stanza = [line() for _ in range(4)]
    stanzas = []
    for _ in range(chance.randrange(4, 10)):
        stanzas.append("\n".join(stanza))
        stanza = [stanza[1], line(), stanza[3], line()]
    return "\n\n".join(stanzas)
