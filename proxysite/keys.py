"""The installation's own keys: made at first start, kept in the data directory, readable by the owner only."""

import os
from collections.abc import Callable
from pathlib import Path


def kept(path: Path, make: Callable[[], str]) -> str:
    """The text of `path`, written by `make` if the file is not there yet.

    The file has mode 0600 and appears whole, so two processes that start together agree on one key.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    if not path.exists():
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(make())
        try:
            os.link(temporary, path)  # atomic, and fails when the other process was first
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return path.read_text().strip()
