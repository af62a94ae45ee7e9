"""Reads lines from a file or pipe without holding up the event loop, so that answers are read meanwhile."""

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import typer

CHUNK_BYTES = 1 << 16


def opened_lines(file: Path) -> int:
    """Return a descriptor of the file, or of standard input if it is `-`.

    Raises:
        typer.BadParameter: it cannot be read.
    """
    if str(file) == "-":
        return sys.stdin.fileno()
    try:
        with file.open("rb") as opened:
            return os.dup(opened.fileno())
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}") from None


async def lines_of(descriptor: int) -> AsyncIterator[tuple[int, bytes]]:
    """Give each line that is not blank with its number, from 1; the end of the last one may be missing.

    A pipe or terminal is read when there is something in it; a file never keeps one waiting.
    """
    mode = os.fstat(descriptor).st_mode
    waits = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(descriptor)
    number, rest = 0, b""
    while True:
        if waits:
            await _readable(descriptor)
        chunk = os.read(descriptor, CHUNK_BYTES)
        *lines, rest = (rest + (chunk or b"\n")).split(b"\n")
        for line in lines:
            number += 1
            if text := line.strip():
                yield number, text
        if not chunk:
            return


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)
