// Upgrades the server-drawn comparison to an interactive chart, again after each change of it.
(() => {
  const { LightweightCharts } = window;
  const sign = (value) => (value < 0 ? "\u2212" : value > 0 ? "+" : "");
  const percent = (value) => `${sign(Math.round(value * 100))}${pulse.percent(value)}`;
  let drawn = null;

  function start() {
    const section = document.querySelector("#compare");
    // Only what somebody chose is remembered, not what everybody sees first.
    if (section && location.search) window.compareMemory?.keep(section.dataset.address);
    drawn?.chart.remove();
    drawn = null;
    const canvas = document.querySelector("[data-compare-canvas]");
    const source = document.querySelector("#compare-data");
    if (!LightweightCharts || !canvas || !source) return;
    const data = JSON.parse(source.textContent);
    if (!data.times.length) return;
    drawn = draw(canvas, data);
    paint();
    drawn.chart.timeScale().fitContent();
    canvas.closest("figure").dataset.ready = "";
  }

  function draw(canvas, { times, lines }) {
    canvas.replaceChildren();
    const chart = LightweightCharts.createChart(canvas, {
      ...pulse.chartFrame,
      rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.08, bottom: 0.08 } },
      localization: { priceFormatter: percent },
    });
    const seconds = times.length > 1 ? times[1] - times[0] : 60;
    const series = lines.map((line, index) => {
      const one = chart.addSeries(LightweightCharts.LineSeries, {
        lineWidth: 2,
        title: line.symbol,
        priceLineVisible: false,
      });
      const points = times.map((time, at) =>
        line.points[at] === null ? { time } : { time, value: line.points[at] },
      );
      one.setData(pulse.spaced(points, seconds));
      return { one, token: `--slice-${index + 1}` };
    });
    return { chart, series };
  }

  function paint() {
    if (!drawn) return;
    drawn.chart.applyOptions(pulse.chartLook());
    for (const { one, token } of drawn.series) one.applyOptions({ color: pulse.chartColour(token) });
  }

  pulse.onThemeChange(paint);
  document.addEventListener("htmx:after:swap", (event) => {
    const target = event.detail.ctx?.target;
    if (target?.id === "compare" || document.querySelector("[data-compare]:not([data-ready])")) start();
  });
  start();
})();
