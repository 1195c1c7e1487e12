"""What the demo's models that write garbage say, so that one can see it being caught.

`demo-loop` falls into a repetition loop unless the request brings a penalty against repeating, as a retry does, or a
temperature of 1 where a retry sends no penalty: in the messages dialect, which has none, and beside tools, whose calls
suffer from it; `demo-garbage` never says anything else than words of all languages run together.
"""

from typing import Any

LOOP, GARBAGE = "demo-loop", "demo-garbage"

OPENING = (
    "The lighthouse keeper climbs the stairs every evening before the sun goes down. He trims the wick, winds up the "
    "clockwork and writes the hour into a book that nobody has read for thirty years. "
)
TURN = "Then he thinks that he should look at the lamp once more. "
END = (
    "Then he sits down at the window, and the ships go by. "
    "(This time I was asked with {penalty}, and found out of the loop.)"
)
COPIES = 40

SALAD = (
    "Lamp그리고fjord письмоtractor velvet的了banana ハローquick уголmirror nineteen하늘 stoneπро сестраwindow "
    "天空button riverこんにちは пятьcopper 바람ladder спасибоgarden 电脑pillow さくらengine молокоbottle 나무silver "
)

PENALTIES = {"repetition_penalty": 1.0, "repeat_penalty": 1.0, "frequency_penalty": 0.0, "presence_penalty": 0.0}
WARMTH = {"temperature": 0.99}


def loop(body: dict[str, Any], *, has_penalties: bool = True) -> str:
    """The answer of `demo-loop`, or the rest of it: what the last turn or the prompt brings of it is said already."""
    whole, said = _loop(body, has_penalties), _said(body)
    return whole[len(said) :] if whole.startswith(said) else whole


def _said(body: dict[str, Any]) -> str:
    if isinstance(prompt := body.get("prompt"), str):
        return prompt[prompt.rfind(OPENING) :] if OPENING in prompt else ""
    turns = body.get("messages")
    last = turns[-1] if isinstance(turns, list) and turns and isinstance(turns[-1], dict) else {}
    content = last.get("content") if last.get("role") == "assistant" else ""
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _loop(body: dict[str, Any], has_penalties: bool) -> str:
    cures = {**(PENALTIES if has_penalties else {}), **(WARMTH if body.get("tools") or not has_penalties else {})}
    for name, neutral in cures.items():
        value = body.get(name)
        if isinstance(value, int | float) and value > neutral:
            return OPENING + TURN + END.format(penalty=f"{name} = {value}")
    return OPENING + TURN * COPIES


def salad() -> str:
    """The answer of `demo-garbage`."""
    return SALAD * 3
