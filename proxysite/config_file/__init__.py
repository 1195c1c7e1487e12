"""config.json, in and out: the file of both generations of sampling-proxy, plus our own extra keys.

`parsing` turns a JSON object into a checked `Document` or a list of errors, each with its path; `applying` turns a
document into rows, all or none; `exporting` turns rows into the file again.
"""

from proxysite.config_file.applying import Report, import_document, import_file
from proxysite.config_file.document import ConfigFileError, Document
from proxysite.config_file.exporting import export
from proxysite.config_file.listening import listen_settings
from proxysite.config_file.parsing import parse

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
