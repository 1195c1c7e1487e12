"""OpenAI's Chat Completions: the dialect that nearly every server speaks, each in its own way."""
