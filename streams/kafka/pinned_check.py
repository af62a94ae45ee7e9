"""Sees that what is overridden and used of Faust, aiokafka and aiohttp is there, before a worker starts.

`tests/contract/test_pinned.py` holds the table, `streams.kafka.pinned`, to the code and to what is installed.

TurnoutError
└── LibrariesChanged    the operator's; before anything is started
"""

import dis
import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import version
from types import CodeType, FunctionType, ModuleType

import structlog

from router.errors import TurnoutError
from streams.kafka.pinned import OVERRIDDEN, TESTED, USED, Pin

log = structlog.get_logger()


class LibrariesChanged(TurnoutError):  # noqa: N818 - reads as the sentence it starts
    """Something that is overridden or used is not there any more. The message names it, and the versions."""


def check_pinned() -> None:
    """See that all of it is there, whatever the versions.

    Raises:
        LibrariesChanged: it is not.
    """
    found = installed()
    if gone := dict.fromkeys(missing()):
        raise LibrariesChanged(
            f"Turnout is tested with {_named(TESTED)}. Installed are {_named(found)}, and what is overridden or used "
            f"of them has changed: {'; '.join(gone)}. Install the tested versions: "
            f"pip install {' '.join(f'{name}=={tested}' for name, tested in TESTED.items())}"
        )


def warn_if_untested() -> None:
    """Log a warning if other versions are installed than those that every test has run with."""
    if (found := installed()) != TESTED:
        log.warning("untested versions of libraries: what is used of them is there", found=found, tested=dict(TESTED))


def installed() -> dict[str, str]:
    """Return the versions that are installed."""
    return {name: version(name) for name in TESTED}


def missing() -> Iterator[str]:
    """Say what is not as the tables have it, one phrase each."""
    for table in (OVERRIDDEN, USED):
        for owner, members in table.items():
            module_name, _, class_name = owner.partition(":")
            try:
                module = import_module(module_name)
            except ImportError as error:
                yield f"{module_name} cannot be imported ({error})"
                continue
            holder = getattr(module, class_name, None) if class_name else module
            names = members_of(holder)
            place = f"{owner}." if class_name else owner
            for member in members:
                if member.name in names:
                    yield from _changes(holder, member, module, f"{place}{member.name}")
                else:
                    yield f"{place}{member.name} is missing"


def _changes(holder: object, member: Pin, module: ModuleType, place: str) -> Iterator[str]:
    if member.parameters is not None and (found := _parameters(getattr(holder, member.name))) != member.parameters:
        yield f"{place} takes {found}, not {member.parameters}"
    for user in member.by:
        other, _, path = user.rpartition(":")
        if member.name not in _names_in(_code_of(import_module(other) if other else module, path)):
            yield f"{place} is not used by {user}"


def members_of(holder: object) -> set[str]:
    """Return what a class or module has: what is defined, annotated, or set by one of the class's functions."""
    names = set(dir(holder))
    for each in holder.__mro__ if isinstance(holder, type) else ():
        names.update(getattr(each, "__annotations__", ()))
        for function in filter(lambda found: isinstance(found, FunctionType), vars(each).values()):
            steps = dis.get_instructions(inspect.unwrap(function))
            names.update(step.argval for step in steps if step.opname == "STORE_ATTR")
    return names


def _code_of(module: ModuleType, path: str) -> CodeType | None:
    found: object = module
    for name in path.split("."):
        found = getattr(found, name, None)
    found = getattr(found, "fun", found)  # one of mode's background tasks
    function = inspect.unwrap(found) if callable(found) else None
    return function.__code__ if isinstance(function, FunctionType) else None


def _names_in(code: CodeType | None) -> set[str]:
    """Return the names of attributes that a function uses, those of the functions in it included."""
    if code is None:
        return set()
    inner = [const for const in code.co_consts if isinstance(const, CodeType)]
    return set(code.co_names).union(*map(_names_in, inner))


def _parameters(member: object) -> str:
    if not callable(member):
        return "no call"
    signature = inspect.signature(member)
    bare = [each.replace(annotation=each.empty, default=each.empty) for each in signature.parameters.values()]
    return str(inspect.Signature(bare))


def _named(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in versions.items())
