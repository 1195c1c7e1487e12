"""Whether the text stands inside a Markdown code fence: an info string opens one, a bare fence closes it."""

import re

MARK = re.compile(r" {0,8}(`{3,}|~{3,4}(?!~))[ \t]*([^\s`~]*)[^`~]*\Z")
LONGEST_LINE = 200  # of a line that began in an earlier piece, what matters


class Fences:
    def __init__(self) -> None:
        self._line = ""
        self.open = 0  # how many fences are

    def read(self, piece: str) -> None:
        text = self._line + piece
        # one sign is found missing sooner than three
        if ("`" not in text or "```" not in text) and ("~" not in text or "~~~" not in text):
            self._line = text[text.rfind("\n") + 1 :][:LONGEST_LINE]
            return
        *lines, last = text.split("\n")
        self._line = last[:LONGEST_LINE]
        for line in lines:
            mark = MARK.match(line)
            if mark is None:
                continue
            if mark[2]:
                self.open = min(self.open + 1, 3)
            else:
                self.open = self.open - 1 if self.open else 1
