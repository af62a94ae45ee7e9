"""From a reference to the name behind the one prefix below which anything is read or written, and back.

A reference is taken literally: it begins with the prefix, letter by letter, and what follows is a plain name. Nothing
in it is decoded, resolved or normalised, so there is no second way to write `..`, another host or another bucket.
"""

import re
from dataclasses import dataclass
from hashlib import sha256

from streams.ports import BlobRefusedError

MAX_NAME_CHARS = 900
"""S3 takes keys of 1024 bytes, prefix included."""
SEGMENT = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._~-]{1,200}")
"""What needs no percent-encoding in an URL (RFC 3986, section 2.3), and is neither `.` nor `..`."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """What every reference begins with; it ends with a slash."""

    text: str

    def name_in(self, reference: str, tenant: str | None) -> str:
        """Return the name that follows. A tenant has a folder; None: all of it is the reader's.

        Raises:
            BlobRefusedError: the reference leads elsewhere, or nowhere.
        """
        if not reference.startswith(self.text):
            raise BlobRefusedError(
                "does not begin with TURNOUT_DATAREF_URL of this pipeline; only below it is anything read"
            )
        name = reference[len(self.text) :]
        if len(name) > MAX_NAME_CHARS or not all(map(SEGMENT.fullmatch, name.split("/"))):
            raise BlobRefusedError(
                "is no plain name behind the prefix; use letters, digits and . _ ~ - between single slashes, without "
                f"percent-encoding, {MAX_NAME_CHARS} characters at the most"
            )
        if tenant is not None and not name.startswith(f"{folder_of(tenant)}/"):
            raise BlobRefusedError(f"leads into no payload of the tenant; put it below {self.text}{folder_of(tenant)}/")
        return name

    def reference_to(self, name: str) -> str:
        """Return what refers to a name of our own making."""
        return self.text + name


def placed(name: str, tenant: str | None) -> str:
    """Return a name of our own making in the folder of a tenant, if it is one's."""
    return name if tenant is None else f"{folder_of(tenant)}/{name}"


def folder_of(tenant: str) -> str:
    """Return the folder of a tenant: its name, or a hash where that is no plain one."""
    return tenant if SEGMENT.fullmatch(tenant) else f"~{sha256(tenant.encode()).hexdigest()[:32]}"
