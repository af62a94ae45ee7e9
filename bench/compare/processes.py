"""What a process and its children have used, as Linux tells it under /proc."""

import os
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """Return the process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := _stat(int(folder.name))):
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def cpu_s(pid: int) -> float:
    """Return the processor time of the process, its living descendants, and the dead ones it has waited for."""
    # fields 14 to 17 of proc(5), counted from behind the name: user and system time, and those of waited-for children
    return sum(sum(map(int, fields[11:15])) for one in tree(pid) if (fields := _stat(one))) / _TICKS_PER_S


def peak_mb(pid: int) -> float:
    """Return the peaks of resident memory of the process and its descendants, added up, MiB."""
    return sum(_kib(one, "VmHWM") for one in tree(pid)) / 1024


def resident_mb(pid: int) -> float:
    """Return the resident memory of the process and its descendants now, added up, MiB."""
    return sum(_kib(one, "VmRSS") for one in tree(pid)) / 1024


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return []


def _kib(pid: int, field: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(field)), 0)


def named(pid: int, name: str) -> int | None:
    """Return the first descendant of the process that runs this program, if there is one."""
    return next((one for one in tree(pid) if _name(one) == name), None)


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""
