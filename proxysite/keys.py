"""The installation's own keys: made at first start, kept in the data directory, readable by the owner only."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def kept(path: Path, make: Callable[[], str]) -> str:
    """The text of `path`, written by `make` if the file is not there yet.

    The file has mode 0600 and appears whole, so two processes that start together agree on one key.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(make())
            os.link(temporary, path)  # atomic, and fails when another process was first
        except FileExistsError:
            pass
        finally:
            os.unlink(temporary)
    return path.read_text().strip()
