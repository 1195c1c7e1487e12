"""Tool calls and reasoning that models leak as markup, and arguments that do not fit: mended between events."""
