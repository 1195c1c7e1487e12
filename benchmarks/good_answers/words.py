"""What the good answers are made of."""

import random
from collections.abc import Callable

NAMES = (
    "Ada Ben Clara Dmitri Elif Farid Grete Hiro Ines Jonas Kira Liang Mona Nils Olga Pavel Quinn Rosa Sven Tara".split()
)
THINGS = (
    "lamp boat crate ledger anchor rope kettle window letter slate basket engine garden harbour ticket coat".split()
)
DEEDS = "load save open close check update delete import export merge archive restore publish scan verify index".split()
PLACES = "Riga Lima Essen Utrecht Seoul Cairo Lagos Porto Quito Turin Oslo Perth Kyoto Accra Leeds Tunis".split()
STATES = "open closed pending active failed done blocked".split()
LEGAL = (
    "THE SOFTWARE IS PROVIDED “AS IS”, WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO "
    "THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT."
)
TALK = (
    ("Where is the station?", "Où est la gare ?", "Wo ist der Bahnhof?", "¿Dónde está la estación?", "駅はどこですか。"),
    ("How much is it?", "Combien ça coûte ?", "Wie viel kostet das?", "¿Cuánto cuesta?", "いくらですか。"),
    ("I do not understand.", "Je ne comprends pas.", "Ich verstehe nicht.", "No entiendo.", "わかりません。"),
    ("Can you help me?", "Pouvez-vous m'aider ?", "Können Sie mir helfen?", "¿Puede ayudarme?", "手伝ってくれますか。"),
    ("See you tomorrow.", "À demain.", "Bis morgen.", "Hasta mañana.", "また明日。"),
    ("The bill, please.", "L'addition, s'il vous plaît.", "Die Rechnung, bitte.", "La cuenta, por favor.", "お会計お願いします。"),
)  # fmt: skip
VERSE = (
    "The tide came in, the tide went out", "and nobody knew what the quay was about", "we mended the nets by the evening light",
    "and sang to the gulls for the rest of the night", "my father was young when the lantern was lit",
    "my mother remembers the whole length of it", "the herring ran silver, the winter ran long",
    "and all that we kept was the end of a song",
)  # fmt: skip


def lines(chance: random.Random, make: Callable[[int], str], few: int = 15, many: int = 90) -> str:
    return "\n".join(make(number) for number in range(1, chance.randrange(few, many)))
