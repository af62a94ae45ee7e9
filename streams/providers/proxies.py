"""Which proxy leads to a provider, by the variables that curl, Go and Python heed.

`HTTPS_PROXY` is for https, `HTTP_PROXY` for http, `ALL_PROXY` for both; the same in lower case goes first. `NO_PROXY`
lists what is reached without one: host names, which hold for all below them too, addresses, networks such as
10.0.0.0/8, each with a port or without, and `*` for everything. This machine is never reached by a proxy (as in Go's
`http.ProxyFromEnvironment`): what asks for it here would ask the proxy's machine there.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from router.errors import TurnoutError

SCHEMES = ("https", "http")


class ProxyError(TurnoutError):
    """A variable that names no proxy; one sentence, never with its value, which may hold a password."""


class Proxies:
    """The proxies that the environment names."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Read the variables.

        Raises:
            ProxyError: one of them is no address of a proxy.
        """
        self._proxies = {scheme: _proxy(environment, scheme) for scheme in SCHEMES}
        self._direct = [entry for entry in re.split(r"[\s,]+", _value(environment, "no_proxy")[1].lower()) if entry]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return any(self._proxies.values())

    def to(self, scheme: str, host: str, port: int) -> str | None:
        """Return the proxy that leads there; None if there is none, or if it is reached directly."""
        proxy = self._proxies.get(scheme)
        return None if proxy is None or self._is_direct(host.lower().rstrip("."), port) else proxy

    def _is_direct(self, host: str, port: int) -> bool:
        if host == "localhost" or host.endswith(".localhost"):
            return True
        try:
            address = ip_address(host.strip("[]"))
        except ValueError:
            address = None
        if address is not None and address.is_loopback:
            return True
        for entry in self._direct:
            name, at_port = _split_port(entry)
            if at_port not in (None, port):
                continue
            if name == "*" or host == (suffix := name.lstrip("*").lstrip(".")) or host.endswith(f".{suffix}"):
                return True
            if address is not None and _holds(name, address):
                return True
        return False


def _holds(network: str, address: object) -> bool:
    try:
        return address in ip_network(network.strip("[]"), strict=False)
    except ValueError:
        return False


def _split_port(entry: str) -> tuple[str, int | None]:
    found = re.fullmatch(r"(\[[^]]+\]|[^:]+):(\d{1,5})", entry)
    return (found[1], int(found[2])) if found else (entry, None)


def _value(environment: Mapping[str, str], name: str) -> tuple[str, str]:
    """Return the name under which a variable is set, and its value."""
    for spelling in (name, name.upper()):
        if value := environment.get(spelling, "").strip():
            return spelling, value
    return name, ""


def _proxy(environment: Mapping[str, str], scheme: str) -> str | None:
    name, value = _value(environment, f"{scheme}_proxy")
    if not value:
        name, value = _value(environment, "all_proxy")
    if not value:
        return None
    url = value if "://" in value else f"http://{value}"  # as curl has it
    try:
        parts = urlsplit(url)
        is_proxy = parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_proxy = False
    if not is_proxy or re.search(r"\s", url):
        raise ProxyError(f"{name} must be the URL of an http or https proxy, such as http://proxy.example:3128.")
    return url
