"""What a worker measures is told to whoever operates it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[4]
NAME = re.compile(r'"((?:turnout|gen_ai_client)_[a-z_]+)"')


def test_every_metric_is_in_the_documentation() -> None:
    names = set(NAME.findall((ROOT / "streams/ops/metrics.py").read_text()))
    assert len(names) > 10
    told = (ROOT / "docs/operating.md").read_text()
    assert sorted(name for name in names if f"`{name}" not in told) == []
