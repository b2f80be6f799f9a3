"""The one family of errors that a user of Crewe is meant to see.

Every message says what is wrong, where, what is allowed and how to mend it. The `crewe` command prints the message
alone, without a traceback; anything else that reaches the user is a defect.
"""


class CreweError(Exception):
    """Something the user can mend: bad input, a missing file, an unknown name."""


class DataError(CreweError):
    """A data file does not hold what it should: names the file, the row, the column and the rule."""


class BuildError(CreweError):
    """The book could not be built; the last good book is untouched."""


class EvidenceError(CreweError):
    """A number, table or figure cannot be traced to code and data."""
