"""Code, and what stands beside it: tests, configuration, listings."""

import base64
import random

from benchmarks.good_answers.words import DEEDS, NAMES, PLACES, THINGS, lines


def minified(chance: random.Random) -> str:
    parts = (
        f'function {a}(t,e){{var n=t.{chance.choice(THINGS)};return n&&n.{chance.choice(DEEDS)}?n.{chance.choice(DEEDS)}(e):"{a}"}}'
        for a in (chance.choice("abcdefgh") + str(n) for n in range(chance.randrange(20, 90)))
    )
    return "!function(){" + "".join(parts) + "}();"


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


def diff(chance: random.Random) -> str:
    def hunk(n: int) -> str:
        thing = chance.choice(THINGS)
        return f"@@ -{n * 12},5 +{n * 12},5 @@\n def {chance.choice(DEEDS)}_{thing}(self):\n-    return self.old_{thing}\n+    return self.new_{thing}\n "

    return "diff --git a/app.py b/app.py\n--- a/app.py\n+++ b/app.py\n" + lines(chance, hunk, 6, 40)


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


def trace(chance: random.Random) -> str:
    frame = '  File "/srv/app/tree.py", line 41, in visit\n    return self.visit(node.child)\n'
    return "Traceback (most recent call last):\n" + frame * chance.randrange(3, 12) + "RecursionError: too deep"


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


def blob(chance: random.Random) -> str:
    data = chance.randbytes(chance.randrange(300, 4000))
    if chance.random() < 0.5:
        data = b"\x00" * 90 + data + b"\x00" * chance.randrange(0, 400)
    return "Here is the file:\n\n" + base64.b64encode(data).decode()


def pixels(chance: random.Random) -> str:
    return lines(
        chance, lambda n: "  " + " ".join(f"0x{chance.choice((0, 0, 255, 24)):02X}," for _ in range(12)), 8, 60
    )


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
