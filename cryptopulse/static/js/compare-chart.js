// Upgrades the server-drawn comparison to an interactive chart.
(() => {
  const canvas = document.querySelector("[data-compare-canvas]");
  const source = document.querySelector("#compare-data");
  if (!window.LightweightCharts || !canvas || !source) return;
  const { times, lines } = JSON.parse(source.textContent);
  if (!times.length) return;

  const { createChart, LineSeries } = LightweightCharts;
  const sign = (value) => (value < 0 ? "\u2212" : value > 0 ? "+" : "");
  const percent = (value) => `${sign(Math.round(value * 100))}${pulse.percent(value)}`;
  canvas.replaceChildren();
  const chart = createChart(canvas, {
    ...pulse.chartFrame,
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.08, bottom: 0.08 } },
    localization: { priceFormatter: percent },
  });
  const drawn = lines.map((line, index) => {
    const series = chart.addSeries(LineSeries, { lineWidth: 2, title: line.symbol, priceLineVisible: false });
    series.setData(
      times.map((time, at) =>
        line.points[at] === null ? { time } : { time, value: line.points[at] },
      ),
    );
    return { series, token: `--slice-${index + 1}` };
  });

  function paint() {
    chart.applyOptions(pulse.chartLook());
    for (const { series, token } of drawn) {
      series.applyOptions({ color: pulse.chartColour(token) });
    }
  }

  paint();
  chart.timeScale().fitContent();
  canvas.closest("figure").dataset.ready = "";
  addEventListener("themechange", paint);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
})();
