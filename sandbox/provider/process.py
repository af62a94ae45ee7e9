"""Runs the simulated provider as a real process that can be stopped, killed and started again on the same port."""

import contextlib
import os
import select
import signal
import ssl
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from sandbox.provider.accounts import write_accounts
from sandbox.provider.batches.faults import BatchFault
from sandbox.provider.faults import Fault
from sandbox.provider.invoice import InvoiceRow, read_invoice
from sandbox.provider.options import ProviderOptions
from sandbox.provider.reports import BatchReport, BatchReports, ProviderStats, Ready
from sandbox.provider.unkind import KIND, Unkindness

START_WITHIN_S = 30.0
STOP_WITHIN_S = 10.0
POLL_S = 0.02
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class ProviderDidNotStart(Exception):  # noqa: N818 - reads as the sentence it starts
    """The process ended, or said nothing in time; carries what it wrote to stderr."""


class ProviderProcess:
    """A provider in a process of its own; as a context manager it starts on entry and stops on exit.

    Its stderr goes to a file beside the invoice. Methods that talk to it raise httpx.HTTPError if it does not answer.
    """

    def __init__(self, options: ProviderOptions) -> None:
        self.options = options
        self.base_url = ""
        self._control_url = ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The process id, while there is a process."""
        return None if self._process is None else self._process.pid

    @property
    def log(self) -> Path:
        """Where its stderr goes."""
        return self.options.invoice.with_suffix(".log")

    def start(self) -> None:
        """Start and wait until it listens. A port that was picked is kept for the next start."""
        root = Path(__file__).parents[2]
        path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
        self.options.invoice.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("a") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own module under our own interpreter
                [sys.executable, "-m", "sandbox.provider", *_arguments(self.options)],
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "PYTHONPATH": path},
                text=True,
            )
        line = _first_line(self._process)
        if not line:
            self.kill()
            raise ProviderDidNotStart(self.log.read_text()[-2000:])
        ready = Ready.model_validate_json(line)
        self.base_url = ready.base_url
        self._control_url = ready.control_url
        self.options = replace(self.options, port=httpx.URL(ready.base_url).port or 80)

    def stop(self) -> None:
        """End it with SIGTERM, or with SIGKILL if it does not listen to that."""
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_WITHIN_S)
            self.kill()

    def kill(self) -> None:
        """End it with SIGKILL."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None

    def restart(self) -> None:
        """Stop it and start it again with the same port and invoice."""
        self.stop()
        self.start()

    def add_fault(self, fault: Fault) -> None:
        """Put a fault in force."""
        self._ask("POST", "/faults", content=fault.model_dump_json())

    def clear_faults(self, model: str | None = None) -> None:
        """Remove the faults scripted for one model, or all."""
        self._ask("DELETE", "/faults" if model is None else f"/faults?model={model}")

    def add_batch_fault(self, fault: BatchFault) -> None:
        """Put a fault of batches in force."""
        self._ask("POST", "/batch-faults", content=fault.model_dump_json())

    def clear_batch_faults(self) -> None:
        """Remove all faults of batches."""
        self._ask("DELETE", "/batch-faults")

    def batches(self) -> list[BatchReport]:
        """Ask for the batches, oldest first."""
        return BatchReports.model_validate_json(self._ask("GET", "/batches")).batches

    def set_unkind(self, unkind: Unkindness) -> None:
        """Be unkind in exactly these ways from now on."""
        self._ask("PUT", "/unkind", content=unkind.model_dump_json())

    def stats(self) -> ProviderStats:
        """Ask for the counters."""
        return ProviderStats.model_validate_json(self._ask("GET", "/stats"))

    def wait_until_settled(self, timeout_s: float = 30.0) -> None:
        """Wait until no answer is being generated, so that the invoice is complete. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        while self.stats().generating:
            if time.monotonic() > deadline:
                raise TimeoutError(f"The provider is still generating after {timeout_s} s.")
            time.sleep(POLL_S)

    def invoice(self) -> list[InvoiceRow]:
        """Read the invoice from its file, whether or not the provider is alive."""
        return read_invoice(self.options.invoice)

    def _ask(self, method: str, path: str, content: str | None = None) -> bytes:
        # Neither a proxy in the environment nor certificates are for the loopback.
        with httpx.Client(trust_env=False, verify=_NO_TLS) as client:
            return client.request(method, self._control_url + path, content=content).raise_for_status().content


def _arguments(options: ProviderOptions) -> list[str]:
    arguments = [
        *("--invoice", str(options.invoice)),
        *("--seed", str(options.seed)),
        *("--time-scale", str(options.time_scale)),
        *("--host", options.host),
        *("--port", str(options.port)),
    ]
    for option, value in (
        ("--latency-ms", options.latency_ms),
        ("--api-key", options.api_key),
        ("--aws-secret", options.aws_secret),
        ("--accounts", write_accounts(options.accounts) if options.accounts else None),
        ("--batch-s", options.batch_s),
        ("--batch-enqueued-tokens", options.batch_enqueued_tokens),
    ):
        if value is not None:
            arguments += [option, str(value)]
    if not options.limits:
        arguments.append("--no-limits")
    if options.prompt_cache:
        arguments.append("--prompt-cache")
    if options.list_prices:
        arguments.append("--list-prices")
    if options.unkind != KIND:
        arguments += ["--unkind", options.unkind.model_dump_json()]
    if not options.failures:
        arguments.append("--no-failures")
    return arguments


def _first_line(process: subprocess.Popen[str]) -> str:
    """Return the first line on stdout, empty if the process ended or stayed silent for too long."""
    if process.stdout is None:
        return ""
    readable, _, _ = select.select([process.stdout], [], [], START_WITHIN_S)
    return process.stdout.readline() if readable else ""
