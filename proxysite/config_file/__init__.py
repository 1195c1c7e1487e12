"""config.json, in and out: the file of both generations of sampling-proxy, plus our own extra keys.

`reading` gets a JSON value from a file; `parsing`, with a module for each group of sections, turns it into a checked
`Document` or a list of errors, each with its path; `applying`, with its two neighbours, turns a document into rows, all
or none; `exporting` turns rows into the file again.
"""

from proxysite.config_file.applying import import_document, import_file
from proxysite.config_file.document import ConfigFileError, Document
from proxysite.config_file.exporting import export
from proxysite.config_file.listening import listen_settings
from proxysite.config_file.parsing import parse
from proxysite.config_file.report import Report

__all__ = [
    "ConfigFileError",
    "Document",
    "Report",
    "export",
    "import_document",
    "import_file",
    "listen_settings",
    "parse",
]
