"""Named queries in files: ``-- name: book_day``, then comment lines that say what it is for, then the statement.

One loader for every room that has SQL. A file holds the queries of one noun; `payouts_tests/unit/test_queries.py` sees
to it that each name is unique, described and used.
"""

from functools import cached_property
from importlib import resources

_HEAD = "-- name: "


class Queries:
    """The named queries of a package's folder, read when the first one is asked for."""

    def __init__(self, package: str, folder: str = "") -> None:
        self._package, self._folder = package, folder

    def __call__(self, name: str) -> str:
        """The text of a query."""
        return self.texts[name]

    @cached_property
    def texts(self) -> dict[str, str]:
        """Every query by its name."""
        folder = resources.files(self._package).joinpath(self._folder)
        files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
        return {name: text for file in files for name, text in parse(file.read_text("utf-8"))}


def parse(text: str) -> list[tuple[str, str]]:
    """The queries of one file, in its order; what stands before the first one says what the file is about."""
    sections = (section.partition("\n") for section in f"\n{text}".split(f"\n{_HEAD}")[1:])
    return [(name.strip(), body.strip()) for name, _, body in sections]
