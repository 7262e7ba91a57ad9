"""The file `.env` of the checkout, which Dagster reads: our block in it; the user's own lines are never touched.

Our own commands leave the block out when they read the file. They find the embedded parts without it, also when
these have been stopped and start on other ports; what a user has written counts for them as it does for Dagster.
"""

import io
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from payouts_pipeline.errors import PayoutsError

_FIRST_LINE = "# >>> written by 'payouts up', taken out by 'payouts down'; keep your own lines outside"
_LAST_LINE = "# <<< payouts up"
_OWNER_ONLY = 0o600


def own_text(path: Path) -> str:
    """The user's own lines; none where there is no file. Raises PayoutsError where our block has no end."""
    return _parts(path)[0]


def block(path: Path) -> dict[str, str]:
    """The variables that 'payouts up' wrote."""
    found = dotenv_values(stream=io.StringIO(_parts(path)[1]), interpolate=False)
    return {name: value for name, value in found.items() if value is not None}


def write_block(path: Path, variables: Mapping[str, str]) -> bool:
    """Put these variables in the place of our block; whether others could read the file before, and now cannot."""
    was_open = path.exists() and bool(stat.S_IMODE(path.stat().st_mode) & ~_OWNER_ONLY)
    own = own_text(path)
    own = own if not own or own.endswith("\n") else f"{own}\n"
    # In single quotes nothing but the quote and the backslash has a meaning.
    quoted = {name: value.replace("\\", "\\\\").replace("'", "\\'") for name, value in sorted(variables.items())}
    lines = [f"{name}='{value}'\n" for name, value in quoted.items()]
    _replace(path, f"{own}{_FIRST_LINE}\n{''.join(lines)}{_LAST_LINE}\n")
    return was_open


def remove_block(path: Path) -> None:
    """Take our block out; a file in which nothing else is goes with it."""
    own, ours = _parts(path)
    if ours and own.strip():
        _replace(path, own)
    elif ours:
        path.unlink()


def _parts(path: Path) -> tuple[str, str]:
    """The user's lines, and the lines of our block."""
    own: list[str] = []
    ours: list[str] = []
    is_ours = False
    for line in path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []:
        is_ours = is_ours or line.strip() == _FIRST_LINE
        (ours if is_ours else own).append(line)
        is_ours = is_ours and line.strip() != _LAST_LINE
    if is_ours:
        raise PayoutsError(f"In {path} the line '{_LAST_LINE}' is missing: delete what 'payouts up' wrote before it.")
    return "".join(own), "".join(ours)


def _replace(path: Path, text: str) -> None:
    """Write the file in one step, readable by its owner only, since there are passwords in it; a link stays one."""
    target = path.resolve()
    unfinished = target.with_name(f"{target.name}.new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(
        os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "w", encoding="utf-8"
    ) as file:
        file.write(text)
    unfinished.replace(target)
