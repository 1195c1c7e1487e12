"""A value that must not be shown."""

MASK = "••••••••"

LEAST = 8  # characters of a secret: fewer stand in ordinary text by chance, and are guessed in no time

# What people and manuals write where a server of their own wants a key, and any will do.
PLACEHOLDERS = frozenset(
    {
        "any", "dummy", "dummy-key", "empty", "llama.cpp", "lm-studio", "lmstudio", "local", "n/a", "no-key",
        "no-key-required", "nokey", "none", "not-needed", "not-required", "null", "ollama", "placeholder", "sglang",
        "sk-no-key-required", "test", "unused", "vllm", "x", "xx", "xxx",
    }
)  # fmt: skip


class Secret:
    """Holds a key so that no repr, format, log line, traceback or comparison message can show it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    @property
    def is_placeholder(self) -> bool:
        return self._value.casefold() in PLACEHOLDERS

    @property
    def is_masked(self) -> bool:
        """Wherever it stands.  A short one stands in ordinary words as well, and a placeholder is no secret."""
        return len(self._value) >= LEAST and not self.is_placeholder

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: object) -> "Secret":
        return self

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Secret is not pickled")


def short_key(key: Secret | None) -> str:
    """What is wrong with a key that may be meant as a secret and cannot be treated as one; blank if nothing is."""
    if not key or key.is_masked or key.is_placeholder:
        return ""
    return (
        f"with fewer than {LEAST} characters it stands in ordinary words as well. If it is a secret, take a longer "
        "one; where any key will do, none or EMPTY says so."
    )
