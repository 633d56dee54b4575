// Indicators on a chart: the server counts them, this draws them. Prices' averages and bands lie
// on the chart; strength and convergence in panes of their own below it.
(() => {
  const { LightweightCharts } = window;
  if (!LightweightCharts) return;
  const { LineSeries, HistogramSeries } = LightweightCharts;
  const DASHED = 2;
  // Colour and dashes tell lines apart; the legend shows both.
  const STYLES = {
    sma20: { slice: 3 },
    sma50: { slice: 2 },
    sma200: { slice: 4 },
    ema12: { slice: 3, isDashed: true },
    ema26: { slice: 2, isDashed: true },
    "bollinger-upper": { slice: 1, width: 1 },
    "bollinger-middle": { slice: 1, width: 1, isDashed: true },
    "bollinger-lower": { slice: 1, width: 1 },
    rsi: { slice: 4 },
    macd: { slice: 1 },
    "macd-signal": { slice: 3, isDashed: true },
    "macd-histogram": { slice: 5 },
  };
  const styleOf = (key) => STYLES[key] || { slice: 5 };
  const FORMATS = {
    rsi: (value) => pulse.number(value, 1),
    macd: (value) => (value < 0 ? `\u2212${pulse.axis(-value)}` : pulse.axis(value)),
    price: (value) => pulse.amount(value),
  };
  const PRICE_SHARE = 3; // of the height, where a pane below has 1

  class ChartStudies {
    constructor(chart, legend) {
      this.chart = chart;
      this.legend = legend;
      this.drawn = []; // {line, series}
    }

    // `lines` as the server sends them, `rows` the candles that they lie under.
    draw(lines, rows, seconds) {
      const keys = lines.map((line) => line.key).join();
      if (keys !== this.keys) this.rebuild(lines);
      this.keys = keys;
      this.rows = rows;
      this.seconds = seconds;
      this.drawn.forEach((one, index) => {
        one.line = this.inCurrency(lines[index]);
      });
      this.paint();
      this.list();
    }

    inCurrency(line) {
      if (line.pane === "rsi") return line; // a share, not money
      const { rate } = pulse.currency;
      return { ...line, points: line.points.map((point) => (point === null ? null : point * rate)) };
    }

    rebuild(lines) {
      for (const { series } of this.drawn) this.chart.removeSeries(series);
      const panes = ["price", ...new Set(lines.map(({ pane }) => pane).filter((p) => p !== "price"))];
      this.drawn = lines.map((line) => ({ line, series: this.addSeries(line, panes) }));
      this.below = panes.length - 1;
      this.chart.panes()[0].setStretchFactor(this.below ? PRICE_SHARE : 1);
    }

    addSeries(line, panes) {
      const { width = 2, isDashed } = styleOf(line.key);
      const formatter = FORMATS[line.pane] || FORMATS.price;
      const options = {
        priceFormat: { type: "custom", minMove: 1e-12, formatter },
        lastValueVisible: false,
        priceLineVisible: false,
        crosshairMarkerVisible: false,
        lineWidth: width,
        lineStyle: isDashed ? DASHED : 0,
      };
      if (line.pane === "rsi") {
        const priceRange = { minValue: 0, maxValue: 100 };
        options.autoscaleInfoProvider = () => ({ priceRange });
      }
      const kind = line.histogram ? HistogramSeries : LineSeries;
      const series = this.chart.addSeries(kind, options, panes.indexOf(line.pane));
      if (line.pane === "rsi") {
        for (const price of [30, 70]) series.createPriceLine({ price, lineStyle: DASHED, lineWidth: 1 });
      }
      return series;
    }

    paint() {
      for (const { line, series } of this.drawn) {
        const color = pulse.chartColour(`--slice-${styleOf(line.key).slice}`);
        series.applyOptions({ color });
        for (const limit of series.priceLines()) {
          limit.applyOptions({ color: pulse.chartColour("--line-strong"), axisLabelVisible: false });
        }
        const [up, down] = [pulse.chartColour("--up", 0.5), pulse.chartColour("--down", 0.5)];
        const points = this.rows.map(({ time }, index) => {
          const value = line.points[index];
          if (value === null || value === undefined) return { time };
          return line.histogram ? { time, value, color: value < 0 ? down : up } : { time, value };
        });
        series.setData(line.histogram ? points : pulse.spaced(points, this.seconds));
      }
    }

    list() {
      this.legend.replaceChildren(
        ...this.drawn.map((one) => {
          const { slice, isDashed } = styleOf(one.line.key);
          const item = document.createElement("li");
          const mark = document.createElement("i");
          mark.className = `study-mark slice-${slice}${isDashed ? " is-dashed" : ""}`;
          one.value = document.createElement("b");
          item.append(mark, `${one.line.label} `, one.value);
          return item;
        }),
      );
      this.legend.hidden = !this.drawn.length;
      this.show(this.rows.length - 1);
    }

    // Write each line's value at a candle into the legend.
    show(index) {
      for (const { line, value } of this.drawn) {
        const point = line.points[Math.min(index, line.points.length - 1)];
        const write = FORMATS[line.pane] || FORMATS.price;
        value.textContent = point === null || point === undefined ? "\u2014" : write(point);
      }
    }
  }

  pulse.ChartStudies = ChartStudies;
})();
