// Draws the report's charts from the figures in the page.
const figures = JSON.parse(document.getElementById("figures").textContent);
// Chart.js writes into its options: each chart needs its own.
const options = () => ({
  responsive: true, maintainAspectRatio: false, animation: false,
  scales: { y: { beginAtZero: true }, x: { grid: { display: false } } },
});
const bars = (id, title, rows) =>
  new Chart(document.getElementById(id), {
    type: "bar",
    data: { labels: rows.map((row) => row[0]), datasets: [{ label: title, data: rows.map((row) => row[1]), maxBarThickness: 80 }] },
    options: options(),
  });
new Chart(document.getElementById("days"), {
  type: "line",
  data: {
    labels: figures.days.map((day) => day[0]),
    datasets: [
      { label: "spent, USD a day", data: figures.days.map((day) => day[1]) },
      { label: "at the baseline model", data: figures.days.map((day) => day[2]), borderDash: [4, 4] },
    ],
  },
  options: options(),
});
bars("models", "USD by model", figures.models);
bars("rows", "USD by " + figures.dimension, figures.rows.slice(0, 30));
document.body.dataset.drawn = "yes";
