"""Version of the readers, written into every Dataset; raised when a reader returns other numbers than before."""

PARSER_VERSION = "0.1.0"
