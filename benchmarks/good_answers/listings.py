"""What a terminal shows: rows that count, and traces."""

import random

from benchmarks.good_answers.words import DEEDS, THINGS, lines


def ping(chance: random.Random) -> str:
    slow = chance.random() < 0.5
    return lines(
        chance,
        lambda n: (
            f"64 bytes from 127.0.0.1: icmp_seq={n} ttl=64 time={chance.randrange(300) / 10 if slow else 0.03} ms"
        ),
        5,
        120,
    )


def directory(chance: random.Random) -> str:
    return lines(chance, lambda n: f"-rw-r--r-- 1 root root     0 Jan  1 00:00 {THINGS[0]}{n}.txt", 8, 80)


def rules(chance: random.Random) -> str:
    return lines(chance, lambda n: f"-A INPUT -s 10.0.{n}.0/24 -p tcp --dport 443 -j ACCEPT", 8, 80)


def kernel_log(chance: random.Random) -> str:
    step = chance.choice((1, 5))
    return lines(
        chance,
        lambda n: f"2026-01-01 00:{n * step // 60:02}:{n * step % 60:02} kernel: usb 1-1: reset high-speed device 2",
        10,
        120,
    )


def attempts(chance: random.Random) -> str:
    return lines(chance, lambda n: f"Attempt {n}: connection refused, retrying in {2 ** min(n, 6)} seconds", 5, 30)


def tests_passed(chance: random.Random) -> str:
    which = chance.choice(("ok {n} - the {thing} is {deed}d", "tests/test_x.py::test_add[{n}-{n}] PASSED", "ok {n}"))
    return lines(chance, lambda n: which.format(n=n, thing=chance.choice(THINGS), deed=chance.choice(DEEDS)), 10, 100)


def java_trace(chance: random.Random) -> str:
    frames = lines(chance, lambda n: f"\tat com.example.Tree.visit(Tree.java:{chance.choice((42, 42, 57))})", 5, 30)
    return "Exception in thread main java.lang.StackOverflowError\n" + frames


def progress_in_steps(chance: random.Random) -> str:
    tasks = [f"{chance.choice(DEEDS)} the {chance.choice(THINGS)}" for _ in range(chance.randrange(4, 9))]
    return "\n\n".join(
        f"Progress after step {done}:\n"
        + "\n".join(f"- [{'x' if at < done else ' '}] {task}" for at, task in enumerate(tasks))
        for done in range(len(tasks) + 1)
    )


def prices(chance: random.Random) -> str:
    return lines(chance, lambda n: f"{n}  Consulting services, senior engineer   8.00 h   120.00   960.00", 5, 60)


def template_headers(chance: random.Random) -> str:
    """Declarations that differ in an operator."""
    signs = ("<", ">", "<=", ">=", "==", "!=")
    kind = chance.choice(THINGS)
    return lines(
        chance,
        lambda n: (
            f"  template<typename _Key, typename _Tp>\n    inline bool\n    operator{chance.choice(signs)}"
            f"(const {kind}<_Key, _Tp>& __lhs, const {kind}<_Key, _Tp>& __rhs) noexcept\n"
            f"    {{ return __lhs._M_base() {chance.choice(signs)} __rhs._M_base(); }}\n"
        ),
        6,
        30,
    )


def escaped_drawing(chance: random.Random) -> str:
    """As JSON holds it."""
    row = "\\u2500" * chance.randrange(20, 80)
    return "\\n".join(f"\\u2502 {chance.choice(THINGS)}\\n{row}" for _ in range(chance.randrange(3, 12)))
