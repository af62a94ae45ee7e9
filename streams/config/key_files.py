"""Keys that stand in files, as Kubernetes mounts its secrets: one key a file, without what is blank around it."""

from pathlib import Path

from pydantic import SecretStr

from streams.config.values import MAX_KEY_CHARS, is_bare_key


def read_key(path: Path) -> SecretStr:
    """Return the key that a file holds.

    Raises:
        ValueError: there is none in it; one sentence that names the file and holds nothing of its content.
    """
    try:
        with path.open("rb") as opened:
            content = opened.read(2 * MAX_KEY_CHARS)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    text = content.decode("utf-8-sig", "replace").strip()
    if not text:
        raise ValueError(f"{path} is empty; it must hold the bare key")
    if len(text) > MAX_KEY_CHARS or not is_bare_key(text):
        raise ValueError(f"{path} must hold the bare key alone: no spaces, line breaks or letters beyond ASCII")
    return SecretStr(text)
