// Asks for the state once a second and shows it. Texts from the topics are set as text, never as markup.
"use strict";

const EVERY_MS = 1000;
const LOST_AFTER_MS = 5000;
const LEAST_STEPS = 20;
const SHORT_S = 600;
const $ = (id) => document.getElementById(id);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const small = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const shortClock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** An amount of US dollars with as many places as its size needs to be read. */
function usd(amount) {
  const size = Math.abs(amount);
  const places = size === 0 || size >= 100 ? 2 : size >= 1 ? 3 : size >= 0.01 ? 4 : 6;
  const text = new Intl.NumberFormat("en", { minimumFractionDigits: places, maximumFractionDigits: places }).format(size);
  return (amount < 0 ? "−$" : "$") + text;
}
const percent = (share) => (share * 100).toFixed(share !== 0 && Math.abs(share) < 0.1 ? 1 : 0) + " %";
const ms = (value) => (value === null ? "–" : value < 1000 ? grouped.format(value) + " ms" : (value / 1000).toFixed(1) + " s");
const perSecond = (value) => (value < 10 ? value.toFixed(1) : grouped.format(value));
const span = (seconds) => (seconds < 120 ? seconds + " s" : grouped.format(seconds / 60) + " min");

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** A figure with its unit; the exact value is kept beside it. */
function figure(id, text, unit, exact) {
  const place = $(id);
  place.replaceChildren(text);
  if (unit) place.append(element("span", "unit", unit));
  if (exact !== undefined) {
    place.dataset.value = exact;
    place.title = exact;
  }
}

function empty(place, sentence) {
  place.replaceChildren(element(place.matches("ol, ul") ? "li" : "p", "empty", sentence));
}

const charts = {};

function line(label, name, options) {
  return { label, name, data: [], borderWidth: 1.75, pointRadius: 0, pointHitRadius: 8, tension: 0.2, ...options };
}

function chart(id, datasets, { stacked = false, unit = "" } = {}) {
  charts[id] = new Chart($(id), {
    type: "line",
    data: { labels: [], datasets },
    options: {
      responsive: true,
      maintainAspectRatio: false,
      animation: false,
      interaction: { mode: "index", intersect: false },
      plugins: { legend: { align: "start", labels: { boxWidth: 10, boxHeight: 10, padding: 12, usePointStyle: true, pointStyle: "rectRounded" } } },
      scales: {
        x: { grid: { display: false }, ticks: { maxTicksLimit: $(id).parentNode.matches(".tall") ? 7 : 4, maxRotation: 0, autoSkipPadding: 16 } },
        y: { beginAtZero: true, stacked, border: { display: false }, ticks: { maxTicksLimit: 5, precision: unit ? undefined : 0, callback: (value) => (unit || "") + value.toLocaleString("en") } },
      },
    },
  });
}

function makeCharts() {
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 12;
  chart("spend-chart", [
    line("spent", "spent"),
    line("at the baseline model", "baseline", { borderDash: [5, 4], fill: { target: 0, above: "saved-fill", below: "bad-fill" } }),
  ], { unit: "$" });
  const [first, above] = ["origin", "-1"].map((fill) => ({ fill, borderWidth: 1 }));
  chart("ended-chart", [line("completed", "good", first), line("rejected", "warn", above), line("failed", "bad", above)], { stacked: true });
  chart("load-chart", [line("in flight", "spent"), line("lag", "warn")]);
  paint();
}

/** Colours come from the style sheet, which knows light from dark. */
function paint() {
  Chart.defaults.color = colour("quiet");
  for (const [id, made] of Object.entries(charts)) {
    for (const dataset of made.data.datasets) {
      dataset.borderColor = dataset.backgroundColor = colour(dataset.name);
      if (typeof dataset.fill === "string") dataset.backgroundColor = colour(dataset.name) + "66";
      if (id === "spend-chart" && dataset.fill) dataset.fill = { target: 0, above: colour("saved-fill"), below: colour("bad-fill") };
    }
    for (const axis of Object.values(made.options.scales)) axis.ticks.color = colour("quiet");
    made.options.scales.y.grid = { color: colour("line") };
    made.options.plugins.legend.labels.color = colour("quiet");
    made.update();
  }
}

function draw(id, labels, ...columns) {
  const made = charts[id];
  made.data.labels = labels;
  columns.forEach((column, number) => (made.data.datasets[number].data = column));
  made.update();
}

function bars(id, rows, sentence) {
  const place = $(id);
  if (!rows.length) return empty(place, sentence);
  const most = Math.max(...rows.map((row) => row.size), Number.MIN_VALUE);
  place.replaceChildren(
    ...rows.map((row) => {
      const bar = element("div", "bar");
      bar.dataset.name = row.name;
      bar.dataset.value = row.exact;
      const value = element("span", "value", row.text);
      if (row.note) value.append(element("small", "", row.note));
      const fill = element("div", "fill " + (row.kind || ""));
      fill.style.width = Math.min(100, (100 * row.size) / (row.of || most)) + "%";
      const track = element("div", "track");
      track.append(fill);
      bar.append(element("span", "name", row.name), value, track);
      return bar;
    }),
  );
}

const spendRow = (total) => (row) => ({
  name: row.name,
  size: Math.max(0, Number(row.spent_usd)),
  exact: row.spent_usd,
  text: usd(Number(row.spent_usd)),
  note: (total > 0 ? percent(Number(row.spent_usd) / total) + " · " : "") + grouped.format(row.calls) + " calls",
});

const KIND = {
  healthy: "good", closed: "good", degraded: "warn", "half-open": "warn", unhealthy: "bad", open: "bad",
};

function showHealth(state) {
  const body = $("health").tBodies[0];
  $("health-note").textContent = state.health.length ? "as all workers see it, over " + span(state.health[0].window_s) : "";
  if (!state.health.length) {
    const cell = element("td", "empty", "No worker has told of any model yet.");
    cell.colSpan = 8;
    return body.replaceChildren(element("tr")), body.rows[0].append(cell);
  }
  body.replaceChildren(
    ...state.health.map((model) => {
      const row = element("tr");
      row.dataset.model = model.model;
      const status = element("td");
      status.append(element("span", "pill " + (KIND[model.status] || ""), model.status));
      const breaker = element("td");
      const on = model.breaker === "closed" ? "" : ` on ${model.breaker_workers} of ${model.workers}`;
      breaker.append(element("span", "pill " + KIND[model.breaker], model.breaker + on));
      const name = element("td", "", model.model);
      if (model.reason) name.append(element("small", "", model.reason));
      const limit = model.limit_per_minute === null ? "" : " of " + grouped.format(model.limit_per_minute);
      row.append(name, status, breaker);
      for (const text of [
        model.requests ? percent(model.error_rate) : "–", ms(model.p50_ms), ms(model.p99_ms),
        grouped.format(model.requests_per_minute) + limit, grouped.format(model.in_flight),
      ]) row.append(element("td", "", text));
      return row;
    }),
  );
}

function showQuality(state) {
  const body = $("quality").tBodies[0];
  if (!state.quality.length) {
    const cell = element("td", "empty", "No answer has been judged yet: `turnout feedback --help` shows how.");
    cell.colSpan = 8;
    return body.replaceChildren(element("tr")), body.rows[0].append(cell);
  }
  body.replaceChildren(
    ...state.quality.map((cell) => {
      const row = element("tr");
      row.dataset.cell = [cell.model, cell.task, cell.difficulty, cell.form].join(" ");
      const name = element("td", "", cell.model);
      if (cell.outvoted.length) name.append(element("small", "", "outvoted: " + cell.outvoted.join(", ")));
      const score = element("td", "", cell.mean === null ? "–" : cell.mean.toFixed(2) + " ± " + cell.margin.toFixed(2));
      row.append(element("td", "", cell.task), element("td", "", cell.difficulty), element("td", "", cell.form.replace("_", " ")), name, score);
      for (const text of [
        grouped.format(cell.weight), grouped.format(cell.scores), cell.usable === null ? "–" : percent(cell.usable),
      ]) row.append(element("td", "", text));
      return row;
    }),
  );
}

function showBatches(state) {
  $("lane").hidden = !state.batches.length;
  $("batches").tBodies[0].replaceChildren(
    ...state.batches.map((batch) => {
      const row = element("tr");
      row.dataset.batch = batch.batch || "waiting";
      const name = element("td", "", batch.model);
      name.append(element("small", "", [batch.provider, batch.account].filter(Boolean).join(", ") + (batch.is_late ? ": its batches are late" : "")));
      row.append(name, element("td", "", batch.batch || ""), element("td", "", batch.state));
      const moment = (at) => (at === null ? "" : clock.format(at));
      for (const text of [
        grouped.format(batch.requests), grouped.format(batch.answered), batch.returned ? grouped.format(batch.returned) : "",
        moment(batch.since_ms), moment(batch.expected_ms), Number(batch.cost_usd).toFixed(4), Number(batch.saved_usd).toFixed(4),
      ]) row.append(element("td", "", text));
      return row;
    }),
  );
}

function showFailovers(state) {
  if (!state.failovers.length) return empty($("failovers"), "No breaker and no verdict has changed.");
  $("failovers").replaceChildren(
    ...state.failovers.map((change) => {
      const item = element("li");
      const when = element("time", "", clock.format(change.at_ms));
      when.dateTime = new Date(change.at_ms).toISOString();
      const instead = change.alternatives.length && KIND[change.to_state] !== "good" ? " Instead: " + change.alternatives.join(", ") + "." : "";
      const who = change.kind === "breaker" ? change.worker + ": " : "";
      item.append(
        when, element("span", "what", change.model),
        element("span", "pill " + (KIND[change.to_state] || ""), `${change.kind === "breaker" ? "breaker " : ""}${change.from_state} → ${change.to_state}`),
        element("small", "", who + change.reason + (/[.!?]$/.test(change.reason) ? "" : ".") + instead),
      );
      return item;
    }),
  );
}

function showAdvice(state) {
  const place = $("advice");
  if (state.advice_problem) return empty(place, state.advice_problem);
  if (state.advice === null) return empty(place, "They rest on a warehouse: start the dashboard with --duckdb FILE or --postgres DSN.");
  if (!state.advice.length) return empty(place, "The warehouse's last 30 days show none.");
  place.replaceChildren(
    ...state.advice.map(({ headline, arithmetic }) => {
      const item = element("li", "", headline);
      item.append(element("small", "", arithmetic));
      return item;
    }),
  );
}

/** The step that anything was first seen in: a young pipeline's charts begin with it. */
function firstSeen({ at_ms, ...columns }) {
  const first = at_ms.findIndex((_, step) => Object.values(columns).some((column) => column[step]));
  return Math.max(0, Math.min(first, at_ms.length - LEAST_STEPS));
}

function show(state) {
  const { total, now, series } = state;
  const spent = Number(total.spent_usd), saved = Number(total.saved_usd);
  const baseline = state.baseline_models.join(" and ") || "the baseline";
  $("period").textContent = `the last ${span(state.window_s)}, in steps of ${span(state.step_s)}` +
    (state.unreadable ? `; ${grouped.format(state.unreadable)} records cannot be read` : "");
  figure("spent", usd(spent), "", total.spent_usd);
  $("spent-note").textContent = grouped.format(total.calls) + " calls" +
    (total.unpriced_calls ? `, ${grouped.format(total.unpriced_calls)} of unknown price` : "");
  figure("saved", usd(saved), total.saved_share === null ? "" : percent(total.saved_share), total.saved_usd);
  $("saved").className = "figure " + (saved < 0 ? "bad" : "good");
  $("saved-note").textContent = `with ${baseline} alone: ${usd(Number(total.baseline_usd))}`;
  figure("rate", usd(now.spent_usd_per_hour), "/ h");
  $("rate-note").textContent = `${usd(now.saved_usd_per_hour)} / h saved, last ${span(now.over_s)}`;
  figure("ended", perSecond(now.completed_per_s + now.rejected_per_s + now.failed_per_s), "/ s", String(state.completed + state.rejected + state.failed));
  $("ended-note").textContent = `${grouped.format(state.completed)} completed, ${grouped.format(state.rejected)} rejected, ${grouped.format(state.failed)} failed`;
  $("ended-note").dataset.value = [state.completed, state.rejected, state.failed].join(" ");
  figure("in-flight", grouped.format(state.in_flight), "", String(state.in_flight));
  figure("lag", state.lag === null ? "–" : grouped.format(state.lag), "", String(state.lag));
  const first = firstSeen(series);
  const from = (column) => column.slice(first);
  const form = state.window_s > SHORT_S ? shortClock : clock;
  const labels = from(series.at_ms).map((at) => form.format(at));
  draw("spend-chart", labels, ...[series.spent_usd_per_hour, series.baseline_usd_per_hour].map(from));
  draw("ended-chart", labels, ...[series.completed_per_s, series.rejected_per_s, series.failed_per_s].map(from));
  draw("load-chart", labels, ...[series.in_flight, series.lag].map(from));
  bars("models", state.models.map(spendRow(spent)), "No call has been paid for yet.");
  bars("tenants", state.tenants.map(spendRow(spent)), "No call has been paid for yet.");
  bars("budgets", state.budgets.map((bar) => ({
    name: `${bar.tenant}, this ${bar.window}`, size: bar.share, of: 1, kind: bar.state, exact: bar.spent_usd,
    text: `${usd(Number(bar.spent_usd))} of ${usd(Number(bar.limit_usd))}`, note: percent(bar.share),
  })), "No tenant has a budget.");
  $("cache").hidden = !state.cached.length;
  const mostHits = Math.max(...state.cached.map((row) => row.answers));
  bars("cached", state.cached.map((row) => ({
    name: row.tenant, size: row.answers, of: mostHits, exact: row.saved_usd,
    text: `${usd(Number(row.saved_usd))} saved`, note: `${grouped.format(row.answers)} answers`,
  })), "");
  showHealth(state);
  showQuality(state);
  showBatches(state);
  showFailovers(state);
  showAdvice(state);
}

let heardMs = performance.now();

async function poll() {
  try {
    const answer = await fetch("/state.json", { cache: "no-store", signal: AbortSignal.timeout(LOST_AFTER_MS) });
    const state = await answer.json();
    show(state);
    heardMs = performance.now();
    $("live").className = state.problem ? "is-lost" : "is-live";
    $("live-text").textContent = (state.problem ? "stale, " : "live, ") + clock.format(state.as_of_ms);
    $("problem").textContent = state.problem || "";
    $("problem").hidden = !state.problem;
    document.body.dataset.drawn = "yes";
  } catch (error) {
    if (error instanceof TypeError === false && error.name !== "TimeoutError") console.error(error);
    if (performance.now() - heardMs > LOST_AFTER_MS || !document.body.dataset.drawn) {
      $("live").className = "is-lost";
      $("live-text").textContent = "not connected";
      $("problem").textContent = "The dashboard's server does not answer: what is shown is old. Start `turnout dashboard` again.";
      $("problem").hidden = false;
    }
  }
  setTimeout(poll, EVERY_MS);
}

makeCharts();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
poll();
