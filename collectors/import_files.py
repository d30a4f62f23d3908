"""Reading a file that a person names: its text, its JSON, and where it is wrong."""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from collectors.errors import ImportFileError


def read_text(path: Path) -> str:
    """The file's text: UTF-8, or UTF-16 with a mark, which is what a redirect in PowerShell writes."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImportFileError(f"cannot read `{path}`: {error.strerror or error}") from error
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportFileError(
            f"`{path}` is not UTF-8 text: byte {error.start} is `0x{data[error.start]:02x}`"
        ) from error


def read_json(path: Path) -> Any:
    """The file's JSON; raises ``ImportFileError`` naming line and column."""
    text = read_text(path)
    if not text.strip():
        raise ImportFileError(f"`{path}` is empty")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ImportFileError(f"`{path}` line {error.lineno} column {error.colno}: not JSON: {error.msg}") from error
    except RecursionError:
        raise ImportFileError(f"`{path}` is nested too deeply to be a policy or a list of them") from None


def read_object(path: Path) -> Mapping[str, Any]:
    """The file's JSON object."""
    value = read_json(path)
    if not isinstance(value, dict):
        raise ImportFileError(f"`{path}`: expected a JSON object, found {kind_of(value)}")
    return value


def kind_of(value: Any) -> str:
    """What a JSON value is, in JSON's words."""
    if value is None:
        return "null"
    names = {
        bool: "a boolean",
        dict: "an object",
        list: "an array",
        str: "a string",
        int: "a number",
        float: "a number",
    }
    return names[type(value)]
