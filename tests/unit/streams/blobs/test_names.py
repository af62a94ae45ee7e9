"""Which references lead anywhere: what begins with the prefix and goes on plainly, and nothing else."""

import pytest

from streams.blobs.names import Prefix, folder_of, placed
from streams.ports import BlobRefusedError

PREFIX = Prefix("s3://bucket/turnout/")


def test_a_plain_name_behind_the_prefix_is_taken() -> None:
    for name in ("1.json", "acme/2026/11/28/a-b_c~d.json", ".hidden", "..."):
        assert PREFIX.name_in(PREFIX.reference_to(name), None) == name


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "1.json",
        "/etc/passwd",
        "file:///etc/passwd",
        "http://169.254.169.254/latest/meta-data",
        "https://bucket/turnout/1.json",
        "S3://bucket/turnout/1.json",
        "s3://bucket/turnout",
        "s3://bucket/turnout/",
        "s3://bucket/turnout2/1.json",
        "s3://bucket@evil.example/turnout/1.json",
        "s3://other/turnout/1.json",
        "s3://bucket/turnout/../secret.json",
        "s3://bucket/turnout/a/../../secret.json",
        "s3://bucket/turnout/./1.json",
        "s3://bucket/turnout//1.json",
        "s3://bucket/turnout/a//1.json",
        "s3://bucket/turnout/%2e%2e/secret.json",
        "s3://bucket/turnout/..%2fsecret.json",
        "s3://bucket/turnout/a\\..\\b",
        "s3://bucket/turnout/1.json?versionId=2",
        "s3://bucket/turnout/1.json#part",
        "s3://bucket/turnout/1.json\n",
        "s3://bucket/turnout/1.json\x00",
        "s3://bucket/turnout/\u2024\u2024/secret.json",
        "s3://bucket/turnout/" + "a" * 201,
        "s3://bucket/turnout/" + "/".join(["a" * 100] * 10),
    ],
)
def test_whatever_leads_elsewhere_is_refused(reference: str) -> None:
    with pytest.raises(BlobRefusedError):
        PREFIX.name_in(reference, None)


@pytest.mark.parametrize("tenant", ["acme", "Đội A", "..", "a/b"])
def test_a_tenant_reads_and_writes_its_own_folder(tenant: str) -> None:
    own = placed("1.json", tenant)
    assert PREFIX.name_in(PREFIX.reference_to(own), tenant) == own
    for other in ("1.json", "rival/1.json", f"{folder_of(tenant)}2/1.json", folder_of(tenant)):
        with pytest.raises(BlobRefusedError):
            PREFIX.name_in(PREFIX.reference_to(other), tenant)


def test_tenants_whose_names_are_no_folders_have_folders_apart() -> None:
    assert len({folder_of(name) for name in ("a b", "a/b", "a?b", "~a")}) == 4
