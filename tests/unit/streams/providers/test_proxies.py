"""Which proxy leads where. The cases of NO_PROXY are those of Go's httpproxy and of curl."""

import pytest

from streams.providers.proxies import Proxies, ProxyError

BOTH = {"HTTPS_PROXY": "http://secure:3128", "HTTP_PROXY": "http://plain:3128"}


@pytest.mark.parametrize(
    ("environment", "scheme", "proxy"),
    [
        ({}, "https", None),
        ({"HTTPS_PROXY": ""}, "https", None),
        (BOTH, "https", "http://secure:3128"),
        (BOTH, "http", "http://plain:3128"),
        ({**BOTH, "https_proxy": "http://lower:1"}, "https", "http://lower:1"),
        ({"ALL_PROXY": "http://all:3128"}, "http", "http://all:3128"),
        ({"HTTPS_PROXY": "proxy.example:3128"}, "https", "http://proxy.example:3128"),
        ({"HTTPS_PROXY": "http://me:pass@proxy:3128"}, "https", "http://me:pass@proxy:3128"),
        ({"HTTP_PROXY": "http://plain:3128"}, "https", None),
    ],
)
def test_a_proxy_is_for_its_scheme(environment: dict[str, str], scheme: str, proxy: str | None) -> None:
    proxies = Proxies(environment)
    assert proxies.to(scheme, "api.openai.com", 443) == proxy
    assert bool(proxies) is any(environment.values())


@pytest.mark.parametrize(
    ("no_proxy", "host", "port", "is_direct"),
    [
        ("", "api.example", 443, False),
        ("*", "api.example", 443, True),
        ("api.example", "api.example", 443, True),
        ("api.example", "API.example", 443, True),
        ("api.example", "eu.api.example", 443, True),
        (".api.example", "eu.api.example", 443, True),
        ("*.api.example", "eu.api.example", 443, True),
        ("api.example", "notapi.example", 443, False),
        ("api.example:443", "api.example", 443, True),
        ("api.example:8443", "api.example", 443, False),
        ("a, b  api.example", "api.example", 443, True),
        ("10.0.0.0/8", "10.1.2.3", 443, True),
        ("10.0.0.0/8", "11.1.2.3", 443, False),
        ("10.1.2.3", "10.1.2.3", 443, True),
        ("fd00::/8", "fd00::1", 443, True),
        ("[fd00::1]:443", "fd00::1", 443, True),
        ("10.0.0.0/8", "ten.example", 443, False),
        ("", "localhost", 443, True),
        ("", "127.0.0.1", 443, True),
        ("", "::1", 443, True),
        ("", "svc.localhost", 443, True),
    ],
)
def test_what_is_named_and_this_machine_are_reached_directly(
    no_proxy: str,
    host: str,
    port: int,
    is_direct: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    proxies = Proxies({**BOTH, "NO_PROXY": no_proxy})
    assert (proxies.to("https", host, port) is None) is is_direct


@pytest.mark.parametrize("value", ["socks5://p:1", "http://", "http://p:99999", "http://a b:1", "ftp://secret@p"])
def test_what_is_no_proxy_is_named_and_not_shown(value: str) -> None:
    with pytest.raises(ProxyError, match=r"^https_proxy must be the URL of an http or https proxy") as raised:
        Proxies({"https_proxy": value})
    assert "secret" not in str(raised.value)
