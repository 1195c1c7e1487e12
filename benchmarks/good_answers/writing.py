"""Writing with a reason to repeat itself: verse, lists, lessons, drafts."""

import random

from benchmarks.good_answers.words import DEEDS, LEGAL, NAMES, PLACES, STATES, TALK, THINGS, VERSE, lines


def chess(chance: random.Random) -> str:
    def move() -> str:
        piece = chance.choice(("", "", "N", "B", "R", "Q", "K"))
        return piece + chance.choice("abcdefgh") + chance.choice("12345678") + chance.choice(("", "", "", "+"))

    return " ".join(f"{n}. {move()} {move()}" for n in range(1, chance.randrange(30, 90)))


def song(chance: random.Random) -> str:
    refrain = "\n".join(chance.sample(VERSE, 4))
    verses = (
        f"{chance.choice(NAMES)} took the {chance.choice(THINGS)} from {chance.choice(PLACES)} home,\n"
        f"and left on the {chance.choice(THINGS)} a {chance.choice(THINGS)} of foam.\n{chance.choice(VERSE)},\n"
        f"but {chance.choice(NAMES)} could never {chance.choice(DEEDS)} alone."
        for _ in range(chance.randrange(3, 7))
    )
    return "".join(f"[Verse {n}]\n{verse}\n\n[Chorus]\n{refrain}\n\n" for n, verse in enumerate(verses, 1))


def cumulative_song(chance: random.Random) -> str:
    gifts = [f"{chance.choice(THINGS)} from {place}" for place in chance.sample(PLACES, 12)]
    return "\n\n".join(
        f"On day {n} of winter my true love sent to me:\n" + "\n".join(gifts[n - 1 :: -1]) for n in range(1, 13)
    )


def counting_song(chance: random.Random) -> str:
    thing = chance.choice(THINGS)
    return "\n\n".join(
        f"{n} green {thing}s hanging on the wall,\n{n} green {thing}s hanging on the wall,\nand if one green {thing} should "
        f"accidentally fall,\nthere'll be {n - 1} green {thing}s hanging on the wall."
        for n in range(10, 0, -1)
    )


def checklist(chance: random.Random) -> str:
    return lines(
        chance, lambda n: f"- [{chance.choice(' x')}] {chance.choice(DEEDS).title()} the {chance.choice(THINGS)}"
    )


def translations(chance: random.Random) -> str:
    return "\n\n".join("\n".join(f"- {line}" for line in chance.choice(TALK)) for _ in range(chance.randrange(3, 7)))


def vocabulary(chance: random.Random) -> str:
    return lines(chance, lambda n: f"{n}. **{chance.choice(THINGS)}** — the {chance.choice(THINGS)} (noun)")


def boilerplate(chance: random.Random) -> str:
    return "\n\n".join(
        f"== {chance.choice(THINGS)} {n}.{chance.randrange(9)} ==\nCopyright (c) 20{10 + n} {chance.choice(NAMES)}\n\n{LEGAL}"
        for n in range(1, chance.randrange(3, 12))
    )


def steps(chance: random.Random) -> str:
    value = chance.randrange(100, 999)
    return lines(
        chance,
        lambda n: f"Step {n}: {value + n} × {n} = {(value + n) * n}, so we carry {(value + n) * n // 10}.",
        8,
        40,
    )


def schedule(chance: random.Random) -> str:
    return "\n".join(
        f"**Week {n}**\n- Monday: {chance.randrange(3, 12)} km easy run\n- Wednesday: {chance.randrange(3, 12)} km tempo run\n"
        f"- Friday: rest\n- Sunday: {chance.randrange(8, 30)} km long run\n"
        for n in range(1, chance.randrange(6, 18))
    )


def dialogue(chance: random.Random) -> str:
    one, two = chance.sample(NAMES, 2)
    said = ("Yes.", "No.", "Why not?", "I see.", "And then?", "Go on.", "Nobody told me.", "Are you sure?")
    return lines(chance, lambda n: f"{(one, two)[n % 2]}: {chance.choice(said)}", 20, 80)


def quiz(chance: random.Random) -> str:
    return "\n\n".join(
        f"**Question {n}.** What does the {chance.choice(THINGS)} {chance.choice(DEEDS)}?\nA) The {chance.choice(THINGS)}\n"
        f"B) The {chance.choice(THINGS)}\nC) All of the above\nD) None of the above\n*Answer: {chance.choice('ABCD')}*"
        for n in range(1, chance.randrange(8, 30))
    )


def enumeration(chance: random.Random) -> str:
    return lines(chance, lambda n: f"{n}. {chance.choice(NAMES)}", 20, 120)


def similar_items(chance: random.Random) -> str:
    return lines(
        chance,
        lambda n: (
            f"{n}. Check that the {chance.choice(THINGS)} in {chance.choice(PLACES)} is ready to {chance.choice(DEEDS)}."
        ),
        10,
        40,
    )


def paraphrases(chance: random.Random) -> str:
    starts = ("Could you please", "Would you mind if we", "I would like to", "It would be great to", "Perhaps we can")
    return lines(
        chance,
        lambda n: (
            f"{n}. {chance.choice(starts)} {chance.choice(DEEDS)} the {chance.choice(THINGS)} {chance.choice(('today', 'soon', 'again'))}?"
        ),
        8,
        25,
    )


def reviews(chance: random.Random) -> str:
    return "\n\n".join(
        f"### Option {n}: the {chance.choice(THINGS)}\n**Pros:** cheap, {chance.choice(STATES)}, easy to {chance.choice(DEEDS)}.\n"
        f"**Cons:** needs a {chance.choice(THINGS)} from {chance.choice(PLACES)}; slow to {chance.choice(DEEDS)}."
        for n in range(1, chance.randrange(4, 14))
    )


def litany(chance: random.Random) -> str:
    return "\n".join(f"For the {chance.choice(THINGS)} of {place}, we give thanks." for place in PLACES)


def glossary(chance: random.Random) -> str:
    return lines(chance, lambda n: " · ".join(chance.choice(TALK)), 3, 7)


def names_only(chance: random.Random) -> str:
    return ", ".join(chance.choice(NAMES) + " " + chance.choice(PLACES) for _ in range(chance.randrange(40, 200)))


def keywords(chance: random.Random) -> str:
    return ", ".join(f"{chance.choice(DEEDS)} {chance.choice(THINGS)}" for _ in range(chance.randrange(40, 200)))


def thinking(chance: random.Random) -> str:
    starts = ("Let me check", "Wait, I should look at", "Now I need to see", "Okay, next is", "Hmm, what about")
    ends = ("it seems fine", "that needs a fix", "nothing to do there", "the test covers it", "I will come back to it")
    return " ".join(
        f"{chance.choice(starts)} {chance.choice(DEEDS)}_{chance.choice(THINGS)}{n} in {chance.choice(THINGS)}.py: {chance.choice(ends)}."
        for n in range(chance.randrange(8, 30))
    )


def short_repeats(chance: random.Random) -> str:
    word = chance.choice(("ha", "no ", "very ", "la ", "never ", "🎉", "👏 ", "!", "zzz"))
    return f"And then she said: {word * chance.randrange(3, 9)}— and that was all of it."
