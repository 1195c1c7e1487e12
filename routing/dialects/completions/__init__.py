"""OpenAI's legacy Completions: a prompt in, text out."""
