"""The commands as a user runs them: processes, against a real broker."""

import asyncio
import base64
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from schemas.responses import Response
from schemas.topics import Topic
from schemas.vocabulary import Status
from streams.cli.supervisor import Supervisor
from streams.kafka.clients import producer
from tests.harness import ROOT, MakePipeline
from tests.warehouses import golden

Start = Callable[..., Awaitable[Process]]

LINES = b"""\
{"request_id": "own", "prompt": "What is 1 + 1?"}
{"custom_id": "batch", "method": "POST", "body":{"messages":[{"role":"user","content":"hi"}]}}

"Just a prompt"
nonsense
{"turns": ["first", "second"], "question_id": 7, "category": "qa"}
{"text": "who?", "label": "qa"}
{"promt": "x"}
"""
GOOD, BAD = 5, 2
PAIR = ("worker", "--processes", "2", "--worker-id", "pair")
PATIENCE_S = 60


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, object]]:
        """Its stdout as JSON lines."""
        return [orjson.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, slots=True)
class Started:
    """A worker process that the supervisor has started."""

    name: str
    pid: int


async def spawn(environment: dict[str, str], *arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams.cli", *arguments),
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )


async def turnout(environment: dict[str, str], *arguments: str, stdin: bytes = b"") -> Ended:
    process = await spawn(environment, *arguments)
    out, err = await asyncio.wait_for(process.communicate(stdin), PATIENCE_S)
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts commands that go on; they end with the test."""
    started: list[Process] = []

    async def make(environment: dict[str, str], *arguments: str) -> Process:
        started.append(await spawn(environment, *arguments))
        return started[-1]

    yield make
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_topics_are_missing_then_created_then_shown(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline()
    elsewhere = {**pipeline.environment, "TURNOUT_TOPIC_PREFIX": pipeline.settings.topic_prefix + "other."}
    missing = await turnout(elsewhere, "check", "--topics")
    assert missing.code == 2
    assert missing.err.endswith("create them with `turnout topics create`.\n")
    assert (await turnout(elsewhere, "send", "hi")).err.endswith("create it with `turnout topics create`.\n")
    created = await turnout(elsewhere, "topics", "create", "--partitions", "3", "--json")
    assert created.code == 0
    assert created.lines == [{"created": [elsewhere["TURNOUT_TOPIC_PREFIX"] + topic for topic in created_order()]}]
    assert (await turnout(elsewhere, "topics", "create")).err == "All topics exist already.\n"
    shown = await turnout(elsewhere, "topics", "show", "--json")
    busy = {topic["name"] for topic in orjson.loads(shown.out) if topic["partitions"] == 3}
    assert busy == {
        elsewhere["TURNOUT_TOPIC_PREFIX"] + name
        for name in (Topic.REQUESTS, *BUSY, Topic.FEEDBACK, Topic.WAITING, Topic.SHADOW_ANSWERS)
    }
    assert (await turnout(elsewhere, "check", "--topics")).code == 0


async def test_a_broker_out_of_reach_is_one_sentence() -> None:
    environment = {"TURNOUT_BROKERS": "127.0.0.1:1"}
    calls = (("worker",), ("topics", "create"), ("check", "--topics"), ("send", "hi"), ("tail", "costs"), ("quality",))
    for arguments in calls:
        ended = await turnout(environment, *arguments)
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith("No Kafka broker answers at 127.0.0.1:1;")
        assert ended.err.count("\n") == 1


async def test_one_prompt_prints_its_answer_and_nothing_else_on_stdout(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline()
    pipeline.start_worker()
    ended = await turnout(pipeline.environment, "send", "What is a turnout?", "--wait", "--tier", "fast")
    assert ended.code == 0, ended
    (response,) = await pipeline.responses()
    assert response.message is not None
    assert ended.out == f"{response.message.content}\n"
    assert ended.err.startswith("gemini-2.5-flash in ")
    refused = await turnout(pipeline.environment, "send", "hi", "--wait", "--model", "no-such-model")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("Rejected, unknown_model: ")


async def test_feedback_is_sent_and_quality_shows_what_has_come_of_it(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline()
    environment = pipeline.environment
    assert (await turnout(environment, "quality")).err.startswith("Nothing is known yet: no feedback was counted.")
    pipeline.start_worker()
    lines = b"\n".join(orjson.dumps({"request_id": f"r-{number}", "prompt": "What is 1 + 1?"}) for number in range(10))
    assert (await turnout(environment, "send", "-", "--wait", "--model", "gpt-4.1", stdin=lines)).code == 0
    said = b"\n".join(
        orjson.dumps({"request_id": f"r-{number}", "label": "good" if number < 8 else "bad"}) for number in range(10)
    )
    ended = await turnout(environment, "feedback", "--file", "-", "--source", "ann", stdin=said + b"\n{}\nnonsense")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("Line 11 is not sent: request_id: Field required.\nLine 12 is not sent: is not JSON: ")
    assert ended.err.endswith("Sent 10, 2 not.\n")
    one = await turnout(
        environment, "feedback", "r-9", "--score", "1", "--source", "truth", "--kind", "check", "--json"
    )
    assert (one.code, [line["request_id"] for line in one.lines]) == (0, ["r-9"])

    rows: list[dict[str, object]] = []
    async with asyncio.timeout(PATIENCE_S):
        while sum(int(str(row["count"])) for row in rows) < 11:
            rows = (await turnout(environment, "quality", "--json")).lines
    judged = [row for row in rows if row["count"]]  # beside it flaws, which may have been told by now
    assert [(row["request_model"], row["count"], row["mean"]) for row in judged] == [
        ("gpt-4.1", 11, pytest.approx(9 / 11))
    ]
    shown = await turnout(environment, "quality")
    assert "gpt-4.1" in shown.out
    assert "0.80 (10)" in shown.out


async def test_batches_are_shown(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline()
    nothing = await turnout(pipeline.environment, "batches", "--once")
    assert (nothing.code, nothing.out) == (0, "")
    assert "Nothing has waited for a batch yet" in nothing.err
    async with producer(pipeline.settings) as client:
        await client.send_and_wait(pipeline.settings.topic(Topic.BATCH_LANES), golden("batch-lane"), key=b"lane")
    shown = await turnout({**pipeline.environment, "COLUMNS": "200"}, "batches", "--once")
    assert shown.code == 0
    assert "batch_68f1" in shown.out
    (lane,) = (await turnout(pipeline.environment, "batches", "--once", "--json")).lines
    assert (lane["request_model"], lane["waiting"]) == ("gpt-4.1", 17)


async def test_a_file_is_sent_but_for_its_bad_lines_and_its_answers_are_printed(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline()
    pipeline.start_worker()
    options = ("--tenant", "research", "--tag", "run=7", "--key", "tenant", "--wait")
    ended = await turnout(pipeline.environment, "send", "-", *options, "--json", stdin=LINES)
    assert ended.code == 1
    assert "Line 5 is not sent: the value is not JSON" in ended.err
    assert "Line 8 is not sent: promt: unknown field; did you mean 'prompt'?\n" in ended.err
    assert f"Sent {GOOD} requests, {BAD} could not be sent; {GOOD} completed" in ended.err
    printed = [Response.model_validate(line) for line in ended.lines]
    assert sorted(printed, key=by_id) == sorted(await pipeline.responses(), key=by_id)
    assert {response.status for response in printed} == {Status.COMPLETED}
    assert {response.metadata["run"] for response in printed} == {"7"}
    assert {"run": "7", "question_id": 7, "category": "qa"} in [response.metadata for response in printed]
    assert {record.key for record in await pipeline.records(Topic.REQUESTS)} == {b"research"}


async def test_a_good_file_ends_with_zero_and_a_table(make_pipeline: MakePipeline, tmp_path: Path) -> None:
    pipeline = await make_pipeline()
    pipeline.start_worker()
    file = tmp_path / "prompts.jsonl"
    file.write_bytes(b'"one"\n"two"\n"three"')
    ended = await turnout(pipeline.environment, "send", "--file", str(file), "--wait")
    assert ended.code == 0, ended
    assert "Sent 3 requests; 3 completed, 0 rejected, 0 failed" in ended.err
    total = next(line for line in ended.out.splitlines() if line.lstrip().startswith("all "))
    assert total.split()[:4] == ["all", "3", "0", "0"]


async def test_answers_come_while_standard_input_is_still_open(make_pipeline: MakePipeline, start: Start) -> None:
    pipeline = await make_pipeline()
    pipeline.start_worker()
    process = await start(pipeline.environment, "send", "-", "--wait", "--json")
    assert process.stdin is not None
    assert process.stdout is not None
    for text in ("one", "two"):
        process.stdin.write(orjson.dumps(text) + b"\n")
        answer = Response.decode(await asyncio.wait_for(process.stdout.readline(), PATIENCE_S))
        assert answer.status is Status.COMPLETED
    process.stdin.close()
    await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 0


async def test_waiting_in_vain_ends_with_one_and_a_hint(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline()
    ended = await turnout(pipeline.environment, "send", "hi", "--wait", "--timeout-s", "0.5")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("No answer to 1 of 1 within 0.5 s. Does a worker run?")


async def test_without_waiting_a_program_learns_where_each_request_lies(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline()
    began = time.monotonic()
    ended = await turnout(pipeline.environment, "send", "-", "--json", "--rate", "4", stdin=b'"a"\n' * 5)
    assert time.monotonic() - began > 1.0, "five at four a second take at least a second"
    assert ended.code == 0
    lying = {record.offset: record for record in await pipeline.records(Topic.REQUESTS) if record.partition == 0}
    for receipt in ended.lines:
        assert receipt["topic"] == pipeline.settings.topic(Topic.REQUESTS)
        if receipt["partition"] == 0:
            (offset,) = [offset for offset in lying if offset == receipt["offset"]]
            assert lying[offset].key == str(receipt["request_id"]).encode()


async def test_tail_shows_the_last_records_of_all_partitions_and_then_what_comes(
    make_pipeline: MakePipeline, start: Start
) -> None:
    pipeline = await make_pipeline()
    for number in range(6):
        await pipeline.publish([{"request_id": f"r{number}", "prompt": "hi"}])
    last = await turnout(pipeline.environment, "tail", "requests", "--from", "-4", "--no-follow", "--json")
    assert [line["request_id"] for line in last.lines] == ["r2", "r3", "r4", "r5"]
    first = await turnout(pipeline.environment, "tail", "requests", "--from", "beginning", "--limit", "2")
    assert len(first.out.splitlines()) == 2
    nothing = await turnout(pipeline.environment, "tail", "requests", "--from", "end", "--no-follow")
    assert (nothing.code, nothing.out) == (0, "")
    process = await start(pipeline.environment, "tail", "requests", "--from", "-1")
    assert process.stdout is not None
    assert b"  r5  " in await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)
    await pipeline.publish([{"request_id": "r6", "prompt": "hi"}])
    assert b"  r6  default  hi\n" in await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)
    process.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert (process.returncode, out, err) == (130, b"", b"")


async def test_tail_shows_costs_and_why_a_record_is_a_dead_letter(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline()
    pipeline.start_worker()
    await pipeline.publish([b"\xff\x1b[2J", {"request_id": "good", "prompt": "hi"}])
    await pipeline.wait_for_responses(["good"])
    letters = ("tail", "dead-letters", "--from", "beginning", "--limit", "1")
    (letter,) = (await turnout(pipeline.environment, *letters, "--json")).lines
    assert letter["code"] == "not_utf8"
    assert letter["original_topic"] == pipeline.settings.topic(Topic.REQUESTS)
    assert base64.b64decode(str(letter["value_base64"])) == b"\xff\x1b[2J"
    shown = (await turnout(pipeline.environment, *letters)).out
    assert "not_utf8" in shown
    assert r"\xff\x1b[2J" in shown
    (cost,) = (
        await turnout(pipeline.environment, "tail", "costs", "--from", "beginning", "--limit", "1")
    ).out.splitlines()
    assert cost.endswith("  metered  default  good:1")
    (call,) = (
        await turnout(pipeline.environment, "tail", "calls", "--from", "beginning", "--limit", "1")
    ).out.splitlines()
    assert call.endswith("  default  good:1")


async def test_several_processes_are_one_worker_that_replaces_its_dead(
    make_pipeline: MakePipeline, start: Start
) -> None:
    pipeline = await make_pipeline()
    supervisor = await start(pipeline.environment, *PAIR)
    first, second = await _next_start(supervisor), await _next_start(supervisor)
    assert {first.name, second.name} == {"pair-1", "pair-2"}
    os.kill(first.pid, signal.SIGKILL)
    third = await _next_start(supervisor)
    assert third.name == first.name
    assert third.pid != first.pid
    answered = await turnout(pipeline.environment, "send", "hi", "--wait")
    assert answered.code == 0, answered
    supervisor.terminate()
    await asyncio.wait_for(supervisor.communicate(), PATIENCE_S)
    assert supervisor.returncode == 0


async def test_workers_end_when_their_supervisor_is_killed(make_pipeline: MakePipeline, start: Start) -> None:
    pipeline = await make_pipeline()
    supervisor = await start(pipeline.environment, *PAIR)
    assert supervisor.stderr is not None
    for _ in range(2):
        while b"worker is ready" not in await asyncio.wait_for(supervisor.stderr.readline(), PATIENCE_S):
            pass
    supervisor.kill()
    # The pipe ends when the last child has closed it.
    _, said = await asyncio.wait_for(supervisor.communicate(), PATIENCE_S)
    assert said.count(b"worker has stopped") == 2


@pytest.mark.parametrize("code", [2, 3])
async def test_a_child_that_another_start_would_not_help_ends_all(tmp_path: Path, code: int) -> None:
    starts = tmp_path / "starts"
    ended = await asyncio.wait_for(
        Supervisor(
            {
                "wrong": ["sh", "-c", f"echo >> {starts}; exit {code}"],
                "fine": ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"],
            }
        ).run(),
        PATIENCE_S,
    )
    assert ended == code
    assert starts.read_text() == "\n"


async def test_the_worst_exit_code_is_the_supervisors(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    serve = "while :; do sleep 0.05; done"
    supervisor = Supervisor(
        {
            "fine": ["sh", "-c", f"trap 'exit 0' INT; {serve}"],
            "bad": ["sh", "-c", f"trap 'exit 3' INT; echo > {ready}; {serve}"],
        }
    )
    running = asyncio.create_task(supervisor.run())
    while not ready.exists():  # noqa: ASYNC110 - a shell script notifies nobody
        await asyncio.sleep(0.02)
    os.kill(os.getpid(), signal.SIGINT)
    assert await asyncio.wait_for(running, PATIENCE_S) == 3


async def test_a_pause_between_lives_ends_with_the_signal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.cli.supervisor.FIRST_PAUSE_S", 600.0)
    monkeypatch.setattr("streams.cli.supervisor.LONGEST_PAUSE_S", 600.0)
    ready = tmp_path / "ready"
    running = asyncio.create_task(Supervisor({"short": ["sh", "-c", f"trap '' TERM; echo > {ready}; exit 1"]}).run())
    while not ready.exists():  # noqa: ASYNC110 - a shell script notifies nobody
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)
    os.kill(os.getpid(), signal.SIGTERM)
    assert await asyncio.wait_for(running, PATIENCE_S) == 1


async def _next_start(supervisor: Process) -> Started:
    assert supervisor.stderr is not None
    while True:
        said = orjson.loads(await asyncio.wait_for(supervisor.stderr.readline(), PATIENCE_S))
        if said["event"] == "worker has started":
            return Started(said["worker"], said["pid"])


def by_id(response: Response) -> str:
    return response.request_id


BUSY = (Topic.RESPONSES, Topic.CALLS, Topic.FINISHED_IDS, Topic.COSTS)


def created_order() -> list[Topic]:
    return [
        Topic.REQUESTS,
        *BUSY,
        Topic.MODEL_STATS,
        Topic.MODEL_HEALTH,
        Topic.MODEL_PANES,
        Topic.FAILOVERS,
        Topic.BUDGETS,
        Topic.BUDGET_CLAIMS,
        Topic.ACCOUNTS,
        Topic.TENANT_DEMAND,
        Topic.TENANT_SHARES,
        Topic.FEEDBACK,
        Topic.MODEL_QUALITY,
        Topic.QUALITY_COUNTS,
        Topic.QUALITY_CELLS,
        Topic.CACHE_INDEX,
        Topic.SHADOW_ANSWERS,
        Topic.DEAD_LETTERS,
        Topic.BATCH_REQUESTS,
        Topic.WAITING,
        Topic.BATCH_LANES,
        Topic.BATCH_STATE,
        Topic.BUDGET_RESERVATIONS,
    ]
