"""A row for each family of markup, and the parsers that the rows name."""
