"""What can be wrong with a file or an option."""

from __future__ import annotations

from typing import Optional


class FileProblem(ValueError):
    """
    A file as a whole can't be read as what it should be. The text is a phrase of which the file is the subject, such as "is empty"; ``place`` is the place in
    the file, such as "line 1", or None.
    """

    def __init__(self, message: str, place: Optional[str] = None) -> None:
        super().__init__(message)
        self.message = message
        self.place = place


class WrongOption(ValueError):
    """An option can't be used as it was given. The text is one sentence."""


def system_problem(error: OSError) -> str:
    """Returns why a file can't be read, as a phrase."""
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        return "it is a folder"
    if isinstance(error, PermissionError):
        return "access to it is denied"
    return error.strerror or str(error)
