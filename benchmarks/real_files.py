"""Files of this installation, drawn with a seed: what real code, documentation and translations look like."""

import random
import sysconfig
from collections.abc import Iterator
from pathlib import Path

LIBRARY = Path(sysconfig.get_path("stdlib"))
PACKAGES = Path(sysconfig.get_path("purelib"))
PLACES = (
    (LIBRARY, ("py", "txt", "csv", "decTest", "xml", "toml")),
    (PACKAGES, ("py", "pyi", "po", "js", "css", "json", "txt", "md", "rst", "html", "svg", "svelte", "sql", "yml")),
    (Path("/usr/share/common-licenses"), ("",)),
    (Path("/usr/share/perl"), ("pm", "pl", "pod")),
    (Path("/usr/share/doc"), ("", "copyright", "md", "txt")),
    (Path("/var/log"), ("log",)),
)
PROSE = frozenset({"", "txt", "md", "rst", "po", "copyright", "pod", "log", "csv"})


def files(limit: int, chance: random.Random) -> Iterator[tuple[Path, str]]:
    """Up to `limit` files of every kind, in an order that depends on the seed only."""
    for place, kinds in PLACES:
        found: dict[str, list[Path]] = {}
        for path in sorted(place.rglob("*")):
            if path.is_file() and (kind := path.suffix[1:]) in kinds:
                found.setdefault(kind, []).append(path)
        for kind in kinds:
            paths = found.get(kind, [])
            for path in chance.sample(paths, min(limit, len(paths))):
                text = read(path)
                if len(text) > 200 and "test" not in path.parts:
                    yield path, text


def read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""


def translations() -> dict[str, list[str]]:
    """What Django says in its languages: sentences by language."""
    spoken: dict[str, list[str]] = {}
    for path in sorted((PACKAGES / "django").glob("**/locale/*/LC_MESSAGES/*.po")):
        language = path.parts[-3]
        for line in read(path).splitlines():
            if line.startswith('msgstr "') and len(line) > 30 and "%" not in line:
                spoken.setdefault(language, []).append(line[8:-1].replace("\\n", " ").replace('\\"', "“"))
    return {language: said for language, said in spoken.items() if len(said) >= 20}
