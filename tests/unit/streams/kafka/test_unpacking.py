"""What brokers hand out and aiokafka gives up over, in the bytes of its own builder of batches."""

import gzip

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import ConsumerRecord, TopicPartition

from router.job import Origin
from streams.codec import Delivery, TooLargeBatch, UndecodedName, Unreadable, read_record
from streams.kafka.decompression import MOST_BYTES
from streams.kafka.unpacking import FetchedRecords, PlacedRecords, unpack_all

Headers = list[tuple[str, bytes]]
TP = TopicPartition("requests", 3)
ATTRIBUTES, AFTER_CRC, CRC = 22, 21, slice(17, 21)
GZIP, UNKNOWN_CODEC = 1, 7
NO_HEADERS: Headers = []
CHECKED = (True, READ_COMMITTED)


def batch(base: int, *headers: Headers, codec: int = 0) -> bytes:
    """Return a batch of records, one for each of these headers; `AB` in a name stands for bytes that are not UTF-8."""
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1_000_000)
    for number, each in enumerate(headers):
        builder.append(number, 1000 + number, b"key", b"value-%d" % (base + number), each)
    built = bytearray(builder.build())
    built[:8] = base.to_bytes(8, "big")
    if codec == GZIP:
        packed = gzip.compress(gzip.decompress(built[61:]).replace(b"AB", b"\xff\xfe"))
        built[61:] = packed
        built[8:12] = (len(built) - 12).to_bytes(4, "big")
    return summed(built.replace(b"AB", b"\xff\xfe"))


def summed(built: bytearray) -> bytes:
    """Return the batch with the checksum that it should have."""
    built[CRC] = calc_crc32c(bytes(built[AFTER_CRC:])).to_bytes(4, "big")
    return bytes(built)


def unpacked(fetched: bytes, offset: int = 0) -> list[ConsumerRecord[bytes, bytes]]:
    records = PlacedRecords(TP, FetchedRecords(fetched), [], offset, None, None, *CHECKED)
    return list(records)


@pytest.mark.parametrize("codec", [0, GZIP])
def test_a_record_whose_header_has_a_name_of_any_bytes_is_read_with_all_around_it(codec: int) -> None:
    bad = [("mine", b"1"), ("AB!", b"2")]
    found = unpacked(batch(0, NO_HEADERS, bad, [("last", b"3")], codec=codec) + batch(3, NO_HEADERS))
    assert [(record.offset, record.key, record.value) for record in found] == [
        (offset, b"key", b"value-%d" % offset) for offset in range(4)
    ]
    assert found[1].headers == (("mine", b"1"), (r"\xff\xfe!", b"2"))
    assert [type(name) for name, _ in found[1].headers] == [str, UndecodedName]
    assert found[2].headers == (("last", b"3"),)


def test_a_name_that_only_looks_so_is_a_name() -> None:
    (record,) = unpacked(batch(0, [(r"\xff", b"1")]))
    assert type(record.headers[0][0]) is str


def test_reading_goes_on_in_the_middle_of_such_a_batch() -> None:
    found = unpacked(batch(0, [("AB", b"1")], [("AB", b"2")], [("AB", b"3")]), offset=1)
    assert [record.offset for record in found] == [1, 2]


def test_a_batch_with_a_wrong_checksum_is_refused_by_its_place() -> None:
    broken = bytearray(batch(7, NO_HEADERS))
    broken[-3] ^= 1
    with pytest.raises(CorruptRecordException, match=r"requests, partition 3: .* offset 7, .*Invalid CRC"):
        unpacked(batch(5, NO_HEADERS, NO_HEADERS) + bytes(broken), offset=5)


def test_a_batch_of_a_codec_that_is_not_known_is_refused_by_its_place() -> None:
    strange = bytearray(batch(7, NO_HEADERS))
    strange[ATTRIBUTES] |= UNKNOWN_CODEC
    with pytest.raises(CorruptRecordException, match=r"requests, partition 3: .* offset 7, .*UnsupportedCodecError"):
        unpacked(summed(strange), offset=7)


def test_a_batch_that_cannot_be_decompressed_is_refused_by_its_place() -> None:
    torn = bytearray(batch(7, NO_HEADERS, codec=GZIP))
    torn[65:] = b"\0" * len(torn[65:])
    with pytest.raises(CorruptRecordException, match=r"requests, partition 3: .* offset 7, "):
        unpacked(summed(torn), offset=7)


@pytest.mark.parametrize("codec", [GZIP, 2, 3, 4])
def test_a_batch_of_gigabytes_is_one_record_that_says_so(codec: int) -> None:
    unpack_all()
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 100_000_000)
    for number in range(3):
        builder.append(number, 1000, b"key", bytes(MOST_BYTES // 3), [])
    bomb = bytearray(builder.build())
    bomb[:8] = (5).to_bytes(8, "big")
    found = unpacked(bytes(bomb) + batch(8, NO_HEADERS), offset=5)
    assert [(record.offset, record.value) for record in found] == [(7, None), (8, b"value-8")]
    ((mark, _),) = found[0].headers
    assert type(mark) is TooLargeBatch
    delivery = Delivery(Origin("requests", 3, 7), found[0].timestamp, found[0].key, found[0].value, found[0].headers)
    assert read_record(delivery, 1_000_000) == Unreadable(
        "too_large",
        f"the batch of offsets 5 to 7 unpacks to more than {MOST_BYTES} bytes, and none of its records is read; "
        "send less in one batch",
    )


@pytest.mark.parametrize("codec", [GZIP, 2, 3, 4])
def test_a_batch_within_the_bound_is_read_however_well_it_was_packed(codec: int) -> None:
    unpack_all()
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 100_000_000)
    builder.append(0, 1000, b"key", b"x" * 9_000_000, [])
    (record,) = unpacked(bytes(builder.build()))
    assert record.value == b"x" * 9_000_000
