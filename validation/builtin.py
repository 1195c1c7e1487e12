"""The names of the built-in detectors that a policy may choose from, with what an admin needs to know of each."""

BUILT_IN: dict[str, str] = {
    "repetition": "The same characters, words, lines or paragraphs again and again.",
    "whitespace": "Hundreds of blanks or line ends and nothing else.",
    "counter": "The same sentence or item again and again with a number that counts up.",
    "near_duplicates": "Sentences that come again and again, slightly changed or in new order.",
    "nonsense": "Words of many scripts or without any grammar thrown together.",
    "encoding": "Text decoded wrongly, and control tokens of the model in the visible text.",
    "empty": "An answer with neither text nor a tool call.",
    "truncation": "An answer that breaks off, by its finish reason or by an open code fence.",
    "tool_arguments": "Tool arguments that are not JSON or do not fit the tool's schema.",
    "repeated_calls": "The same tool call with the same arguments and results, turn after turn.",
}
