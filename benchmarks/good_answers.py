"""Good answers that repeat themselves for a reason, made with a fixed seed: data, code, verse, drawings.

Each function of `KINDS` writes one answer of a kind.  None of it may ever be taken for a loop.
"""

import base64
import json
import random
from collections.abc import Callable, Iterator

Maker = Callable[[random.Random], str]

NAMES = (
    "Ada Ben Clara Dmitri Elif Farid Grete Hiro Ines Jonas Kira Liang Mona Nils Olga Pavel Quinn Rosa Sven Tara".split()
)
THINGS = (
    "lamp boat crate ledger anchor rope kettle window letter slate basket engine garden harbour ticket coat".split()
)
DEEDS = "load save open close check update delete import export merge archive restore publish scan verify index".split()
PLACES = "Riga Lima Essen Utrecht Seoul Cairo Lagos Porto Quito Turin Oslo Perth Kyoto Accra Leeds Tunis".split()
STATES = "open closed pending active failed done blocked".split()
LEGAL = (
    "THE SOFTWARE IS PROVIDED “AS IS”, WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO "
    "THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT."
)
TALK = (
    ("Where is the station?", "Où est la gare ?", "Wo ist der Bahnhof?", "¿Dónde está la estación?", "駅はどこですか。"),
    ("How much is it?", "Combien ça coûte ?", "Wie viel kostet das?", "¿Cuánto cuesta?", "いくらですか。"),
    ("I do not understand.", "Je ne comprends pas.", "Ich verstehe nicht.", "No entiendo.", "わかりません。"),
    ("Can you help me?", "Pouvez-vous m'aider ?", "Können Sie mir helfen?", "¿Puede ayudarme?", "手伝ってくれますか。"),
    ("See you tomorrow.", "À demain.", "Bis morgen.", "Hasta mañana.", "また明日。"),
    ("The bill, please.", "L'addition, s'il vous plaît.", "Die Rechnung, bitte.", "La cuenta, por favor.", "お会計お願いします。"),
)  # fmt: skip
VERSE = (
    "The tide came in, the tide went out", "and nobody knew what the quay was about", "we mended the nets by the evening light",
    "and sang to the gulls for the rest of the night", "my father was young when the lantern was lit",
    "my mother remembers the whole length of it", "the herring ran silver, the winter ran long",
    "and all that we kept was the end of a song",
)  # fmt: skip


def lines(chance: random.Random, make: Callable[[int], str], few: int = 15, many: int = 90) -> str:
    return "\n".join(make(number) for number in range(1, chance.randrange(few, many)))


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


def minified(chance: random.Random) -> str:
    parts = (
        f'function {a}(t,e){{var n=t.{chance.choice(THINGS)};return n&&n.{chance.choice(DEEDS)}?n.{chance.choice(DEEDS)}(e):"{a}"}}'
        for a in (chance.choice("abcdefgh") + str(n) for n in range(chance.randrange(20, 90)))
    )
    return "!function(){" + "".join(parts) + "}();"


def hexdump(chance: random.Random) -> str:
    zero = chance.random() < 0.3

    def row(n: int) -> str:
        data = bytes(0 if zero and n % 4 else chance.randrange(256) for _ in range(16))
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)
        return f"{n * 16:08x}  {data[:8].hex(' ')}  {data[8:].hex(' ')}  |{text}|"

    return lines(chance, row)


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


def unit_tests(chance: random.Random) -> str:
    def case(n: int) -> str:
        deed, thing = chance.choice(DEEDS), chance.choice(THINGS)
        return (
            f"    def test_{deed}_{thing}_{n}(self):\n        response = self.client.post('/{thing}s/{n}/', {{'name': 'x'}})\n"
            f"        self.assertEqual(response.status_code, {chance.choice((200, 201, 204, 400, 404))})\n"
            f"        self.assertContains(response, '{thing}')\n"
        )

    return "class ThingTests(TestCase):\n" + lines(chance, case, 8, 30)


def yaml_blocks(chance: random.Random) -> str:
    return lines(
        chance,
        lambda n: (
            f"  - name: {chance.choice(THINGS)}-{n}\n    image: registry.local/base:latest\n    restart: always\n    "
            f"resources:\n      limits:\n        cpu: 500m\n        memory: 256Mi\n    env:\n      - name: PORT\n        value: '{8000 + n}'"
        ),
        6,
        40,
    )


def latex_table(chance: random.Random) -> str:
    def row(n: int) -> str:
        return " & ".join([chance.choice(PLACES), *(f"{chance.random():.2f}" for _ in range(6))]) + r" \\ \hline"

    return "\\begin{tabular}{|l|r|r|r|r|r|r|}\n\\hline\n" + lines(chance, row, 10, 50) + "\n\\end{tabular}"


def emoji_table(chance: random.Random) -> str:
    marks = "✅❌⚠️"
    return "| Feature | Free | Pro | Team |\n|---|---|---|---|\n" + lines(
        chance,
        lambda n: (
            f"| {chance.choice(THINGS)} {chance.choice(DEEDS)} | " + " | ".join(chance.choices(marks[:2], k=3)) + " |"
        ),
    )


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


def blob(chance: random.Random) -> str:
    data = chance.randbytes(chance.randrange(300, 4000))
    if chance.random() < 0.5:
        data = b"\x00" * 90 + data + b"\x00" * chance.randrange(0, 400)
    return "Here is the file:\n\n" + base64.b64encode(data).decode()


def diff(chance: random.Random) -> str:
    def hunk(n: int) -> str:
        thing = chance.choice(THINGS)
        return f"@@ -{n * 12},5 +{n * 12},5 @@\n def {chance.choice(DEEDS)}_{thing}(self):\n-    return self.old_{thing}\n+    return self.new_{thing}\n "

    return "diff --git a/app.py b/app.py\n--- a/app.py\n+++ b/app.py\n" + lines(chance, hunk, 6, 40)


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


def checklist(chance: random.Random) -> str:
    return lines(
        chance, lambda n: f"- [{chance.choice(' x')}] {chance.choice(DEEDS).title()} the {chance.choice(THINGS)}"
    )


def assembler(chance: random.Random) -> str:
    ops = (
        "mov rax, rbx",
        "push rbp",
        "mov rbp, rsp",
        "xor eax, eax",
        "pop rbp",
        "ret",
        "nop",
        "call _puts",
        "add rsp, 8",
    )
    return lines(chance, lambda n: f"  {0x401000 + 4 * n:x}:\t{chance.choice(ops)}", 20, 150)


def nops(chance: random.Random) -> str:
    return "start:\n" + "    nop\n" * chance.randrange(5, 20) + "    ret\n"


def translations(chance: random.Random) -> str:
    return "\n\n".join("\n".join(f"- {line}" for line in chance.choice(TALK)) for _ in range(chance.randrange(3, 7)))


def vocabulary(chance: random.Random) -> str:
    return lines(chance, lambda n: f"{n}. **{chance.choice(THINGS)}** — the {chance.choice(THINGS)} (noun)")


def boilerplate(chance: random.Random) -> str:
    return "\n\n".join(
        f"== {chance.choice(THINGS)} {n}.{chance.randrange(9)} ==\nCopyright (c) 20{10 + n} {chance.choice(NAMES)}\n\n{LEGAL}"
        for n in range(1, chance.randrange(3, 12))
    )


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


def trace(chance: random.Random) -> str:
    frame = '  File "/srv/app/tree.py", line 41, in visit\n    return self.visit(node.child)\n'
    return "Traceback (most recent call last):\n" + frame * chance.randrange(3, 12) + "RecursionError: too deep"


def table(chance: random.Random) -> str:
    return "| Id | Name | State | City |\n|----|------|-------|------|\n" + lines(
        chance, lambda n: f"| {n} | {chance.choice(NAMES)} | {chance.choice(STATES)} | {chance.choice(PLACES)} |"
    )


def same_table(chance: random.Random) -> str:
    return "| Day | Morning | Evening |\n|---|---|---|\n" + lines(chance, lambda n: f"| {n} | rest | rest |", 10, 32)


def times_table(chance: random.Random) -> str:
    by = chance.randrange(2, 20)
    return lines(chance, lambda n: f"{by} × {n} = {by * n}", 12, 101)


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


def chapters(chance: random.Random) -> str:
    return lines(
        chance,
        lambda n: f"Chapter {n}: The {chance.choice(THINGS).title()} {'.' * chance.randrange(20, 40)} {n * 11}",
        10,
        50,
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


def dna(chance: random.Random) -> str:
    return lines(
        chance, lambda n: f"{n * 60 - 59:>9} " + " ".join("".join(chance.choices("acgt", k=10)) for _ in range(6))
    )


def satellite(chance: random.Random) -> str:
    return "The repeat is:\n\n" + "CAG" * chance.randrange(10, 30) + "\n\nand it is longer in patients."


def binary(chance: random.Random) -> str:
    return " ".join(f"{chance.randrange(256):08b}" for _ in range(chance.randrange(40, 300)))


def morse(chance: random.Random) -> str:
    return " / ".join(
        " ".join(chance.choices((".-", "-...", ".", "--", "...", "-.-"), k=5)) for _ in range(chance.randrange(10, 60))
    )


def matrix(chance: random.Random) -> str:
    return (
        "[\n"
        + lines(chance, lambda n: "  [" + ", ".join(chance.choices(("0", "0", "0", "1"), k=12)) + "],", 6, 40)
        + "\n]"
    )


def zeros(chance: random.Random) -> str:
    size = chance.randrange(6, 20)
    return "[" + ",\n ".join(["[" + ", ".join(["0"] * size) + "]"] * size) + "]"


def tabs(chance: random.Random) -> str:
    return "\n\n".join(
        "\n".join(
            f"{string}|" + "".join(chance.choice(("-", "-", "-", "0", "2", "3")) + "-" for _ in range(28)) + "|"
            for string in "eBGDAE"
        )
        for _ in range(chance.randrange(2, 8))
    )


def css(chance: random.Random) -> str:
    return lines(chance, lambda n: f".col-{n} {{\n  flex: 0 0 auto;\n  width: {100 * n / 12:.4f}%;\n}}", 8, 60)


def svg(chance: random.Random) -> str:
    return "<svg>\n" + lines(
        chance,
        lambda n: (
            f'  <rect x="{n * 10}" y="{chance.randrange(90)}" width="8" height="8" fill="#{chance.randrange(16**6):06x}"/>'
        ),
        15,
        90,
    )


def html_rows(chance: random.Random) -> str:
    return "<table>\n" + lines(
        chance,
        lambda n: (
            f"  <tr>\n    <td>{chance.choice(NAMES)}</td>\n    <td>{chance.choice(PLACES)}</td>\n    <td></td>\n  </tr>"
        ),
    )


def constants(chance: random.Random) -> str:
    return lines(
        chance,
        lambda n: f"#define {chance.choice(DEEDS).upper()}_{chance.choice(THINGS).upper()}_{n} 0x{1 << n % 31:08X}",
    )


def getters(chance: random.Random) -> str:
    def pair(n: int) -> str:
        name = chance.choice(THINGS) + str(n)
        return f"    public String get{name}() {{\n        return this.{name};\n    }}\n\n    public void set{name}(String {name}) {{\n        this.{name} = {name};\n    }}\n"

    return "public class Thing {\n" + lines(chance, pair, 5, 30) + "}"


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


def interface_texts(chance: random.Random) -> str:
    """A name in Latin letters touches the particles of other languages."""
    forms = (
        "{}で開く",
        "{}에서 열기",
        "在{}中打开",
        "פתח בGoogle {}",
        "افتح في {}",
        "Открыть в {}",
        "เปิดใน{}ได้",
        "{}를 사용",
        "{}を使う",
    )
    return lines(
        chance, lambda n: f'"{chance.choice(DEEDS)}_{n}": "{chance.choice(forms).format(chance.choice(NAMES))}",'
    )


def glossary(chance: random.Random) -> str:
    return lines(chance, lambda n: " · ".join(chance.choice(TALK)), 3, 7)


def addresses(chance: random.Random) -> str:
    return lines(
        chance,
        lambda n: f"https://example.org/{chance.choice(THINGS)}s/{chance.randrange(9999)}?page={n}&sort=name&order=asc",
    )


def uuids(chance: random.Random) -> str:
    return lines(
        chance, lambda n: f"{chance.randrange(16**8):08x}-0000-4000-8000-{chance.randrange(16**12):012x}", 20, 120
    )


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


def dividers(chance: random.Random) -> str:
    rule = chance.choice(("-", "=", "─", "* ", "~", "═")) * chance.randrange(20, 100)
    return f"\n{rule}\n".join(f"Section {n}: {chance.choice(THINGS)} and {chance.choice(THINGS)}" for n in range(1, 15))


def blank_form(chance: random.Random) -> str:
    return lines(chance, lambda n: f"{chance.choice(DEEDS).title()}: {'_' * chance.randrange(20, 60)}", 8, 40)


def sudoku(chance: random.Random) -> str:
    rule = "+-------+-------+-------+"
    rows = ("| " + " | ".join(" ".join(chance.choices("123456789.", k=3)) for _ in range(3)) + " |" for _ in range(9))
    return "\n".join([rule, *rows, rule])


def pixels(chance: random.Random) -> str:
    return lines(
        chance, lambda n: "  " + " ".join(f"0x{chance.choice((0, 0, 255, 24)):02X}," for _ in range(12)), 8, 60
    )


KINDS: tuple[Maker, ...] = (
    json_objects, same_json_objects, json_lines, sql_inserts, minified, hexdump, chess, song, cumulative_song,
    counting_song, unit_tests, yaml_blocks, latex_table, emoji_table, emoji_grid, bars, progress, art, tree, listing,
    blob, diff, csv_constant, csv_same, checklist, assembler, nops, translations, vocabulary, boilerplate, log, health_log,
    trace, table, same_table, times_table, steps, schedule, chapters, dialogue, quiz, dna, satellite, binary, morse,
    matrix, zeros, tabs, css, svg, html_rows, constants, getters, enumeration, similar_items, paraphrases, reviews,
    litany, interface_texts, glossary, addresses, uuids, names_only, keywords, thinking,
    short_repeats, dividers, blank_form, sudoku, pixels,
)  # fmt: skip


def good_answers(each: int) -> Iterator[tuple[str, str]]:
    """`each` answers of every kind, and the kind's name."""
    for make in KINDS:
        chance = random.Random(make.__name__)
        for _ in range(each):
            yield make.__name__, make(chance)
