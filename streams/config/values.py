"""Checked values of settings: addresses, keys and words. No complaint repeats the value, which may hold a secret."""

import json
import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

SECRET_CHARS = 32
"""Shortest secret that signs, characters."""
MAX_KEY_CHARS = 8192
"""Longest key; longer than any header that a provider takes."""


def _checked_base_url(url: str) -> str:
    # The sentences never repeat the URL: a key may be in it.
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or re.search(r"\s", url):
        raise ValueError("must be an http or https URL such as https://api.openai.com/v1")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user or password; put the key into TURNOUT_API_KEYS")
    if parts.query or parts.fragment:
        raise ValueError("must not have a query or fragment; end it before the ? or #")
    if parts.path.rstrip("/").endswith("/chat/completions"):
        raise ValueError("must not hold /chat/completions; end it before that")
    return url.rstrip("/")


def _checked_brokers(brokers: str) -> str:
    addresses = [address.strip() for address in brokers.split(",")]
    for address in addresses:
        host, _, port = address.rpartition(":")
        is_port = port.isascii() and port.isdigit() and 0 < int(port[:6]) < 2**16
        if not is_port or not re.fullmatch(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]", host):
            raise ValueError("must be HOST:PORT, or several with commas between them, such as 127.0.0.1:9092")
    return ",".join(addresses)


def is_bare_key(text: str) -> bool:
    """Say whether a text can be sent as a key."""
    return re.fullmatch(r"[!-~]+", text) is not None


def _checked_key(key: SecretStr) -> SecretStr:
    # A line break or an accent would fail much later, as a header, in an error that repeats it.
    if not is_bare_key(key.get_secret_value()):
        raise ValueError("must be the bare key: no spaces, line breaks or letters beyond ASCII")
    return key


def split_at_commas(value: object) -> object:
    """Return the words of a text with commas between them; a value of another type as it is."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def from_json(value: object) -> object:
    """Return the object that a JSON text holds; a value of another type as it is.

    Raises:
        ValueError: the text holds no JSON object.
    """
    if not isinstance(value, str):
        return value
    try:
        decoded: object = json.loads(value)
    except ValueError:
        decoded = None
    if not isinstance(decoded, dict):
        # Outside the handler above: a decoding error carries the whole text, keys and all.
        raise ValueError('must be a JSON object of provider names and keys, such as {"openai": "sk-..."}')  # noqa: TRY004 - pydantic takes ValueError
    return decoded


def _long_enough(key: SecretStr) -> SecretStr:
    if len(key.get_secret_value()) < SECRET_CHARS:
        raise ValueError(f"must have {SECRET_CHARS} characters or more; `openssl rand -hex 32` makes one")
    return key


BaseUrl = Annotated[str, AfterValidator(_checked_base_url)]
"""Where requests are sent to, without a slash at the end; `/chat/completions` is appended."""
ApiKey = Annotated[SecretStr, AfterValidator(_checked_key)]
SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
Brokers = Annotated[str, AfterValidator(_checked_brokers)]
LongKey = Annotated[ApiKey, AfterValidator(_long_enough)]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)]
LogFormat = Annotated[Literal["json", "console"], BeforeValidator(_lower)]
