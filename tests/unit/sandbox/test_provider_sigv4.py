"""Signature Version 4 against AWS's own published examples, and against what is wrong with a signature."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.provider.sigv4 import SignatureFault, Signed, check, sign

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"  # noqa: S105 - AWS's example
AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
LIST_USERS = Signed(
    "GET",
    "/",
    "Action=ListUsers&Version=2010-05-08",
    {
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "host": "iam.amazonaws.com",
        "x-amz-date": "20150830T123600Z",
        "authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    },
    b"",
)
"""The worked example of https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html."""


def test_the_worked_example_of_the_documentation_is_right() -> None:
    assert check(LIST_USERS, "iam", SECRET, AT) is None


def test_the_plain_request_of_the_test_suite_is_right() -> None:
    vanilla = Signed("GET", "/", "", {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}, b"")

    assert sign(vanilla, ["host", "x-amz-date"], "20150830/us-east-1/service/aws4_request", SECRET) == (
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    )


@pytest.mark.parametrize(
    "changed",
    [
        replace(LIST_USERS, method="POST"),
        replace(LIST_USERS, path="/other"),
        replace(LIST_USERS, query="Action=DeleteUser&Version=2010-05-08"),
        replace(LIST_USERS, body=b"{}"),
        replace(LIST_USERS, headers={**LIST_USERS.headers, "host": "sts.amazonaws.com"}),
        replace(LIST_USERS, headers={**LIST_USERS.headers, "x-amz-date": "20150830T123601Z"}),
    ],
)
def test_a_signature_covers_all_of_a_request(changed: Signed) -> None:
    assert check(changed, "iam", SECRET, AT) is SignatureFault.WRONG


def test_a_signature_is_the_secrets_and_grows_old() -> None:
    assert check(LIST_USERS, "iam", "another", AT) is SignatureFault.WRONG
    assert check(LIST_USERS, "iam", SECRET, AT + timedelta(minutes=4)) is None
    assert check(LIST_USERS, "iam", SECRET, AT + timedelta(minutes=6)) is SignatureFault.WRONG
    assert check(LIST_USERS, "iam", None, AT + timedelta(days=999)) is None, "without a secret the form is enough"


@pytest.mark.parametrize(
    ("header", "value", "fault"),
    [
        ("authorization", None, SignatureFault.MISSING),
        ("authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE", SignatureFault.INCOMPLETE),
        ("authorization", LIST_USERS.headers["authorization"][:-1], SignatureFault.INCOMPLETE),
        ("authorization", LIST_USERS.headers["authorization"].replace("host;", ""), SignatureFault.INCOMPLETE),
        ("authorization", LIST_USERS.headers["authorization"].replace("/iam/", "/s3/"), SignatureFault.INCOMPLETE),
        ("x-amz-date", "20150830", SignatureFault.INCOMPLETE),
        ("x-amz-date", "20150831T123600Z", SignatureFault.INCOMPLETE),
        ("x-amz-date", None, SignatureFault.INCOMPLETE),
    ],
)
def test_a_malformed_signature_is_named_with_and_without_a_secret(
    header: str, value: str | None, fault: SignatureFault
) -> None:
    headers = {name: text for name, text in LIST_USERS.headers.items() if name != header}
    changed = replace(LIST_USERS, headers=headers if value is None else {**headers, header: value})

    assert check(changed, "iam", None, AT) is fault
    assert check(changed, "iam", SECRET, AT) is fault
