"""The built-in detectors by name, with what an admin needs to know of each."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Detector:
    name: str
    issue_type: str
    help: str
    default: bool = True


DETECTORS: dict[str, Detector] = {
    detector.name: detector
    for detector in (
        Detector("repetition", "repetition", "The same characters, words, lines or paragraphs again and again."),
        Detector("whitespace", "repetition", "Hundreds of blanks or line ends and nothing else."),
        Detector("counter", "repetition", "The same sentence or item again and again with a number that counts up."),
        Detector(
            "near_duplicates", "repetition", "Sentences that come again and again, slightly changed or in new order."
        ),
        Detector("nonsense", "gibberish", "Words of many scripts or without any grammar thrown together."),
        Detector("encoding", "encoding", "Text decoded wrongly, and control tokens of the model in the visible text."),
        Detector("empty", "empty", "An answer with neither text nor a tool call."),
        Detector(
            "truncation", "truncated", "An answer that breaks off, by its finish reason or by an open code fence."
        ),
        Detector("tool_arguments", "malformed", "Tool arguments that are not JSON or do not fit the tool's schema."),
        Detector(
            "repeated_calls", "repetition", "The same tool call with the same arguments and results, turn after turn."
        ),
    )
}
