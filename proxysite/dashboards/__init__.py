"""Pages that show the whole: the overview, and the explanation of one request."""
