"""Good answers that repeat themselves for a reason, made with a fixed seed.

Each function of `KINDS` writes one answer of a kind.  None of it may ever be taken for a loop.
"""

import random
from collections.abc import Callable, Iterator

from benchmarks.good_answers import code, data, drawings, writing

KINDS: tuple[Callable[[random.Random], str], ...] = (
    data.json_objects,
    data.same_json_objects,
    data.json_lines,
    data.sql_inserts,
    data.hexdump,
    data.csv_constant,
    data.csv_same,
    data.log,
    data.health_log,
    data.table,
    data.same_table,
    data.times_table,
    data.dna,
    data.satellite,
    data.binary,
    data.matrix,
    data.zeros,
    data.uuids,
    data.addresses,
    data.emoji_table,
    data.latex_table,
    code.minified,
    code.unit_tests,
    code.yaml_blocks,
    code.diff,
    code.assembler,
    code.nops,
    code.trace,
    code.css,
    code.svg,
    code.html_rows,
    code.constants,
    code.getters,
    code.blob,
    code.pixels,
    code.interface_texts,
    drawings.emoji_grid,
    drawings.bars,
    drawings.progress,
    drawings.art,
    drawings.tree,
    drawings.listing,
    drawings.tabs,
    drawings.chapters,
    drawings.dividers,
    drawings.blank_form,
    drawings.sudoku,
    drawings.morse,
    writing.chess,
    writing.song,
    writing.cumulative_song,
    writing.counting_song,
    writing.checklist,
    writing.translations,
    writing.vocabulary,
    writing.boilerplate,
    writing.steps,
    writing.schedule,
    writing.dialogue,
    writing.quiz,
    writing.enumeration,
    writing.similar_items,
    writing.paraphrases,
    writing.reviews,
    writing.litany,
    writing.glossary,
    writing.names_only,
    writing.keywords,
    writing.thinking,
    writing.short_repeats,
)


def good_answers(each: int) -> Iterator[tuple[str, str]]:
    """`each` answers of every kind, and the kind's name."""
    for make in KINDS:
        chance = random.Random(make.__name__)
        for _ in range(each):
            yield make.__name__, make(chance)
