"""Claude Code, headless."""

from dataclasses import dataclass

from tests.clients import programs
from tests.clients.agent import KEY, Place, Totals
from tests.clients.conversation import Call
from tests.clients.programs import Ran
from tests.end_to_end.proxy import Proxy

_QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_AUTOUPDATER": "1",
    "IS_SANDBOX": "1",  # whoever runs the tests as root means it
}


@dataclass(frozen=True)
class ClaudeCode:
    """`model` decides what it sends: it knows the names of Claude's models and what each can do."""

    model: str = "claude-sonnet-4-6"
    output: tuple[str, ...] = ("--output-format", "stream-json", "--verbose")

    program = "claude"
    dialect = "messages"
    marks_errors = True

    def __str__(self) -> str:
        return f"Claude Code with {self.model}"

    def shell(self, command: str) -> Call:
        return Call("Bash", {"command": command, "description": "Looks at a file"})

    def read(self, place: Place, name: str) -> Call:
        return Call("Read", {"file_path": str(place.directory / name)})

    def run(self, proxy: Proxy, upstream_dialect: str, place: Place, task: str, *, again: bool = False) -> Ran:
        program = programs.find(self.program)
        assert program
        arguments = ["-p", task, *self.output, "--dangerously-skip-permissions", *(["--continue"] if again else [])]
        settings = {
            "ANTHROPIC_BASE_URL": proxy.url,
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_MODEL": f"{self.model}-on-{upstream_dialect}",
            "ANTHROPIC_DEFAULT_HAIKU_MODEL": f"claude-haiku-4-5-on-{upstream_dialect}",  # for what it asks beside
        }
        return programs.run(program, *arguments, directory=place.directory, home=place.home, **settings, **_QUIET)

    def said(self, ran: Ran) -> str:
        return str(_result(ran)["result"])

    def thought(self, ran: Ran) -> str:
        messages = (line["message"] for line in ran.lines() if line["type"] == "assistant")
        blocks = (block for message in messages for block in message["content"])
        return "".join(block["thinking"] for block in blocks if block["type"] == "thinking")

    def totals(self, ran: Ran) -> Totals:
        usage = _result(ran)["usage"]
        cached = usage["cache_read_input_tokens"]
        return Totals(
            usage["input_tokens"] + usage["cache_creation_input_tokens"] + cached, cached, usage["output_tokens"]
        )


def _result(ran: Ran) -> dict:
    results = [line for line in ran.lines() if line["type"] == "result"]
    assert len(results) == 1, str(ran)
    return results[0]
