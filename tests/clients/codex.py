"""Codex CLI, headless."""

import json
from dataclasses import dataclass

from tests.clients import programs
from tests.clients.agent import KEY, Place, Totals
from tests.clients.conversation import Call
from tests.clients.programs import Ran
from tests.end_to_end.proxy import Proxy

_CONFIG = """
model = "{model}"
model_provider = "proxy"
check_for_update_on_startup = false

[model_providers.proxy]
name = "The proxy under test"
base_url = "{url}/v1"
wire_api = "responses"
env_key = "PROXY_KEY"
request_max_retries = 0
stream_max_retries = 0
stream_idle_timeout_ms = {patience}

[analytics]
enabled = false
"""


@dataclass(frozen=True)
class Codex:
    """`model` decides which tools it offers and how: as functions, free-form, or in groups within the conversation.

    `patience`: milliseconds without an event after which it gives an answer up.
    """

    model: str = "local"
    patience: int = 300_000

    program = "codex"
    dialect = "responses"
    marks_errors = False

    def __str__(self) -> str:
        return f"Codex with {self.model}"

    def shell(self, command: str) -> Call:
        return Call("exec_command", {"cmd": command})

    def read(self, place: Place, name: str) -> Call:
        return self.shell(f"cat '{place.directory / name}'")

    def run(self, proxy: Proxy, upstream_dialect: str, place: Place, task: str, *, again: bool = False) -> Ran:
        program = programs.find(self.program)
        assert program
        config = _CONFIG.format(model=f"{self.model}-on-{upstream_dialect}", url=proxy.url, patience=self.patience)
        (place.home / "config.toml").write_text(config)
        arguments = ["exec", "--json", "--skip-git-repo-check", "--sandbox", "danger-full-access"]
        arguments += ["resume", "--last", task] if again else [task]
        settings = {"CODEX_HOME": str(place.home), "PROXY_KEY": KEY}
        return programs.run(program, *arguments, directory=place.directory, home=place.home, **settings)

    def said(self, ran: Ran) -> str:
        messages = [item["text"] for item in _items(ran) if item["type"] == "agent_message"]
        return messages[-1] if messages else str(ran)

    def thought(self, ran: Ran) -> str:
        return "".join(item["text"] for item in _items(ran) if item["type"] == "reasoning")

    def totals(self, ran: Ran) -> Totals:
        (done,) = (line for line in ran.lines() if line["type"] == "turn.completed")
        usage = done["usage"]
        return Totals(usage["input_tokens"], usage["cached_input_tokens"], usage["output_tokens"])


class CodexWithScripts(Codex):
    """Its newest models have one tool that runs JavaScript, in which they call the others."""

    def shell(self, command: str) -> Call:
        source = f"const ran = await tools.exec_command({json.dumps({'cmd': command})});\ntext(ran.output);\n"
        return Call("exec", source, group="functions")


def _items(ran: Ran) -> list[dict]:
    return [line["item"] for line in ran.lines() if line["type"] == "item.completed"]
