"""A file of results is read in memory that does not grow with it."""

from bench.batch_lines import LINES_AT_ONCE, line, read

LINES = 60_000


async def test_memory_is_flat_over_a_large_file_of_results() -> None:
    size_mib = LINES * len(line(0)) / 2**20
    number, grown_kib, cpu_s = await read(LINES - LINES % LINES_AT_ONCE)
    assert number == LINES
    assert size_mib > 60
    assert grown_kib / 1024 < 8, f"{grown_kib} KiB more for {size_mib:.0f} MiB of results"
    assert cpu_s / number < 0.0008, "a line costs more to be read than a result may cost altogether"
