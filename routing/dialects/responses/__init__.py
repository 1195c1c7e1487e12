"""OpenAI's Responses, without state: the whole history comes with every request."""
