"""What an import did, for the person who ran it."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Report:
    """The rows are named as people name them: “upstream zai”, “binding glm-*”."""

    counts: dict[str, int] = field(default_factory=dict)
    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    backup: Path | None = None

    @property
    def changed(self) -> bool:
        return bool(self.created or self.updated or self.removed)

    def __str__(self) -> str:
        counts = (f"{count} {what}{'' if count == 1 else 's'}" for what, count in self.counts.items())
        lines = [f"Imported {', '.join(counts)}."]
        if self.created:
            lines.append(f"Created: {', '.join(self.created)}.")
        if self.updated:
            lines.append(f"Updated: {', '.join(self.updated)}.")
        if self.removed:
            lines.append(f"Removed, because the file does not have them: {', '.join(self.removed)}.")
        if not self.changed:
            lines.append("Nothing had to be changed.")
        lines += self.notes
        if self.backup:
            lines.append(f"What was there before is in {self.backup} (without keys).")
        return "\n".join(lines)
