"""How models are reached: addresses, keys in each vendor's header, and AWS's signature by its own example."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from router.dialects.wire import DialectName, Wire
from streams.providers.aws_signature import AwsKey, Signer
from streams.providers.endpoints import Endpoint
from streams.providers.secrets import Scrubber
from streams.providers.targets import Target, target_of
from tests.stage import ALPHA, NOW_S

KEY = SecretStr("AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


def reached(dialect: DialectName, base_url: str, key: str | None = "k", **own: str) -> Target:
    model = replace(ALPHA, upstream_model="a b:0", wire=Wire(dialect))
    secret = None if key is None else SecretStr(key)
    endpoint = Endpoint(base_url, secret, (), dialect, own.get("api_version"), own.get("region"))
    return target_of(model, endpoint, Scrubber())


@pytest.mark.parametrize(
    ("dialect", "base_url", "url", "header", "value"),
    [
        (DialectName.CHAT, "https://a/v1", "https://a/v1/chat/completions", "authorization", "Bearer k"),
        (DialectName.RESPONSES, "https://a/v1", "https://a/v1/responses", "authorization", "Bearer k"),
        (
            DialectName.AZURE,
            "https://a",
            "https://a/openai/deployments/a%20b%3A0/chat/completions?api-version=2024-10-21",
            "api-key",
            "k",
        ),
        (DialectName.ANTHROPIC, "https://a/v1", "https://a/v1/messages", "x-api-key", "k"),
        (
            DialectName.GEMINI,
            "https://a/v1beta",
            "https://a/v1beta/models/a%20b%3A0:generateContent",
            "x-goog-api-key",
            "k",
        ),
        (DialectName.BEDROCK, "https://a", "https://a/model/a%20b%3A0/converse", "authorization", "Bearer k"),
    ],
)
def test_each_vendor_is_reached_at_its_path_with_its_header(
    dialect: DialectName, base_url: str, url: str, header: str, value: str
) -> None:
    own = {"api_version": "2024-10-21"} if dialect is DialectName.AZURE else {}
    target = reached(dialect, base_url, **own)
    assert target.address == url
    assert target.signed(b"{}", NOW_S)[header] == value
    assert header not in reached(dialect, base_url, None, **own).headers


def test_anthropic_is_told_the_version_of_its_api() -> None:
    assert reached(DialectName.ANTHROPIC, "https://a/v1").headers["anthropic-version"] == "2023-06-01"


def test_a_signature_is_the_one_of_awss_own_example() -> None:
    """Source: AWS General Reference, "Signature Version 4 signing process", the request ListUsers of IAM."""
    key = AwsKey.parsed(KEY)
    assert key is not None
    headers = Signer(key, "us-east-1", "iam").headers(
        "GET",
        "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
        {"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
        b"",
        datetime(2015, 8, 30, 12, 36, tzinfo=UTC).timestamp(),
    )
    assert headers == {
        "x-amz-date": "20150830T123600Z",
        "authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    }


def test_a_session_token_is_sent_and_signed() -> None:
    target = reached(DialectName.BEDROCK, "https://a", "AKID:secret:token", region="eu-west-1")
    headers = target.signed(b"{}", NOW_S)
    assert headers["x-amz-security-token"] == "token"
    assert "/eu-west-1/bedrock/aws4_request" in headers["authorization"]
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token" in headers["authorization"]


def test_the_body_and_the_moment_are_signed() -> None:
    target = reached(DialectName.BEDROCK, "https://a", KEY.get_secret_value(), region="us-east-1")
    proofs = {target.signed(body, now_s)["authorization"] for body in (b"1", b"2") for now_s in (NOW_S, NOW_S + 1)}
    assert len(proofs) == 4


def test_no_part_of_an_aws_key_is_shown() -> None:
    scrub = Scrubber(["AKIDEXAMPLE:secret-of-aws:token-of-aws"])
    assert scrub("secret-of-aws, token-of-aws") == "[secret], [secret]"
