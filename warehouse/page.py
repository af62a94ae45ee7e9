"""The report as one HTML page: charts by Chart.js, which is part of the page; nothing is fetched from anywhere."""

import base64
import hashlib
from html import escape
from pathlib import Path

import orjson

from warehouse.report import Report

WEB = Path(__file__).with_name("web")
CHART_JS = WEB / "chart.js"
"""The library that draws the charts, of this page and of the dashboard."""


def page(report: Report) -> str:
    """Return the page."""
    library, drawing = CHART_JS.read_text(), (WEB / "report.js").read_text()
    figures = {
        "days": [[day.key, float(day.cost_usd), float(day.baseline_usd)] for day in report.days],
        "models": [[model.key, float(model.cost_usd)] for model in report.models],
        "rows": [[row.key, float(row.cost_usd)] for row in report.rows],
        "dimension": report.dimension,
    }
    # A text in the data must not end the script that holds it.
    data = orjson.dumps(figures).decode().replace("<", "\\u003c")
    total = report.total
    rows = "".join(
        f"<tr><td>{escape(row.key)}</td><td>{row.calls:,}</td><td>{row.input_tokens:,}</td>"
        f"<td>{row.output_tokens:,}</td><td>{row.cost_usd:.6f}</td>"
        f"<td>{'' if row.usd_per_mtok is None else f'{row.usd_per_mtok:.4f}'}</td><td>{row.saved_usd:.6f}</td></tr>"
        for row in report.rows
    )
    advice = "".join(
        f"<li><strong>{escape(found.headline)}</strong><br>{escape(found.arithmetic)}</li>"
        for found in report.recommendations
    )
    budgets = "".join(
        f"<tr><td>{escape(use.tenant)}, this {use.window}</td><td>{use.spent_usd:.6f}</td><td>{use.limit_usd:.6f}</td>"
        f'<td>{use.share:.1%} <progress class="{use.state}" max="1" value="{min(use.share, 1):.4f}"></progress></td>'
        f"<td>{'too early' if use.projected_usd is None else f'{use.projected_usd:.6f}'}</td>"
        f"<td>{use.elapsed_hours:.1f} of {use.hours:.0f}</td><td>{use.state}</td></tr>"
        for use in report.budgets
    )
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src {_hash(library)} {_hash(drawing)}"
    dimension, baselines = escape(report.dimension), escape(", ".join(report.baseline_models) or "none")
    period = f"{report.period.since or 'the beginning'} to {report.period.until or 'now'}"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>Turnout: spend, {escape(period)}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; color: #1b1f24; }}
dl {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1rem; }}
dt {{ color: #57606a; }} dd {{ margin: 0; font-size: 1.4rem; }}
.chart {{ position: relative; height: 18rem; margin: 1.5rem 0; }}
.wide {{ overflow-x: auto; }} table {{ border-collapse: collapse; width: 100%; }}
td, th {{ padding: .3rem .6rem; text-align: right; border-bottom: 1px solid #d0d7de; }}
progress {{ width: 6rem; accent-color: #1a7f37; }}
progress.warned {{ accent-color: #bf8700; }} progress.exhausted {{ accent-color: #cf222e; }}
td:first-child, th:first-child {{ text-align: left; }}
</style></head><body>
<h1>Spend</h1><p>{escape(period)}, days in UTC, US dollars. Baseline: {baselines}.</p>
<dl><div><dt>Spent</dt><dd>{total.cost_usd:.6f}</dd></div>
<div><dt>Saved against the baseline</dt><dd>{total.saved_usd:.6f}</dd></div>
<div><dt>Calls</dt><dd>{total.calls:,}</dd></div>
<div><dt>Without a known price</dt><dd>{total.unpriced_calls:,}</dd></div>
<div><dt>Saved by the answer cache</dt><dd>{report.cached_answers.saved_usd:.6f}</dd></div>
<div><dt>Saved by providers' caches</dt><dd>{report.prompt_caches.saved_usd:.6f}</dd></div>
<div><dt>Calls without an answer</dt><dd>{total.failed_usd:.6f}</dd></div>
<div><dt>Perhaps not charged</dt><dd>{total.unknown_usd:.6f}</dd></div></dl>
<div class="chart"><canvas id="days"></canvas></div>
<div class="chart"><canvas id="models"></canvas></div>
<h2>By {dimension}</h2>
<div class="chart"><canvas id="rows"></canvas></div>
<div class="wide"><table><thead><tr><th>{dimension}</th><th>calls</th><th>tokens in</th>
<th>tokens out</th><th>USD</th><th>USD / 1M</th><th>saved USD</th></tr></thead><tbody>{rows}</tbody></table></div>
<h2>Budgets</h2>{_budgets(budgets)}
<h2>Recommendations</h2>{f"<ul>{advice}</ul>" if advice else "<p>The data shows none.</p>"}
<script type="application/json" id="figures">{data}</script>
<script>{library}</script><script>{drawing}</script></body></html>
"""


def _budgets(rows: str) -> str:
    if not rows:
        return "<p>No tenant of the catalogue has a budget.</p>"
    return (
        "<p>The UTC day and month under way, by what the warehouse holds. At the end: what is spent, times the "
        "window's hours, by the hours that are over.</p>"
        '<div class="wide"><table id="budgets"><thead><tr><th>tenant</th>'
        "<th>spent USD</th><th>of USD</th><th>used</th><th>at the end USD</th><th>hours</th><th>state</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
