"""How fixtures find rows: by what people call them, so that they need no numbers and may be loaded twice."""

from typing import Any


class FindsByNaturalKey:
    """For a manager; its model says in NATURAL_KEY which fields are the name."""

    model: Any
    filter: Any

    def get_by_natural_key(self, *key: str) -> Any:
        """The first of twins, where a model allows them."""
        return self.filter(**dict(zip(self.model.NATURAL_KEY, key, strict=True)))[:1].get()
