// Upgrades each server-drawn line inside [data-chart] to an interactive chart that grows with
// the ticks. Without lightweight-charts the line stays, and the ranges are links.
(() => {
  const { LightweightCharts } = window;
  if (!LightweightCharts || pulse.chartsStarted) return;
  pulse.chartsStarted = true;
  const { createChart, CandlestickSeries, HistogramSeries, AreaSeries } = LightweightCharts;
  const RANGES_TO_TRY = ["7d", "1d", "1h"];
  const MOST_GAP_POINTS = 5000;

  // Custom properties hold light-dark(); a probe element gives the colour that is painted.
  const probe = document.createElement("i");
  probe.hidden = true;
  document.body.append(probe);
  const dot = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

  function colour(token, alpha = 1) {
    probe.style.color = `var(${token})`;
    dot.clearRect(0, 0, 1, 1);
    dot.fillStyle = getComputedStyle(probe).color;
    dot.fillRect(0, 0, 1, 1);
    const [red, green, blue] = dot.getImageData(0, 0, 1, 1).data;
    return `rgba(${red}, ${green}, ${blue}, ${alpha})`;
  }

  // How the charts of this product look, in today's theme.
  function look() {
    const label = colour("--accent-fill");
    const cross = { color: colour("--line-strong"), labelBackgroundColor: label };
    return {
      layout: { textColor: colour("--text-3") },
      grid: { vertLines: { visible: false }, horzLines: { color: colour("--line") } },
      crosshair: { vertLine: cross, horzLine: cross },
    };
  }

  const FRAME = {
    autoSize: true,
    layout: {
      attributionLogo: false, // the footer carries the notice
      fontFamily: getComputedStyle(document.body).fontFamily,
      fontSize: 11,
      background: { color: "transparent" },
    },
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.12, bottom: 0.22 } },
    timeScale: {
      borderVisible: false,
      timeVisible: true,
      secondsVisible: false,
      fixLeftEdge: true,
      fixRightEdge: true,
    },
    handleScroll: { mouseWheel: false, vertTouchDrag: false },
    handleScale: { mouseWheel: false, axisPressedMouseMove: false },
  };

  Object.assign(pulse, { chartColour: colour, chartLook: look, chartFrame: FRAME });

  class PriceChart {
    constructor(figure) {
      this.figure = figure;
      this.card = figure.closest("section");
      this.kind = "candles";
      this.rows = [];
      this.coin = figure.dataset.coin;
      this.build();
      this.listen();
      const isChosen = "rangeChosen" in figure.dataset;
      this.load(figure.dataset.range, isChosen ? [] : RANGES_TO_TRY);
    }

    find(selector) {
      return this.card.querySelector(selector);
    }

    build() {
      const canvas = this.find("[data-chart-canvas]");
      canvas.replaceChildren();
      this.chart = createChart(canvas, {
        ...FRAME,
        localization: { priceFormatter: pulse.axis },
      });
      this.bars = this.chart.addSeries(HistogramSeries, {
        priceScaleId: "",
        priceFormat: { type: "volume" },
        lastValueVisible: false,
        priceLineVisible: false,
      });
      this.bars.priceScale().applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
      this.candles = this.chart.addSeries(CandlestickSeries, { borderVisible: false });
      this.line = this.chart.addSeries(AreaSeries, {
        lineWidth: 2,
        visible: false,
        priceLineVisible: false,
      });
      this.find("[data-kinds]").hidden = false;
    }

    listen() {
      this.chart.subscribeCrosshairMove((move) => {
        this.show(this.rows.find((row) => row.time === move.time) || this.rows.at(-1));
      });
      this.card.addEventListener("click", (event) => {
        const range = event.target.closest("[data-range]:not(figure)");
        const kind = event.target.closest("[data-kind]");
        const again = event.target.closest("[data-again]");
        if (range) {
          event.preventDefault();
          this.load(range.dataset.range, []);
        }
        if (kind) this.choose(kind);
        if (again) this.load(this.range, []);
      });
      addEventListener("themechange", () => this.paint());
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paint());
      addEventListener("price", ({ detail }) => detail.id === this.coin && this.grow(detail));
    }

    choose(button) {
      this.kind = button.dataset.kind;
      for (const other of button.parentElement.children) {
        other.setAttribute("aria-pressed", other === button);
      }
      this.paint();
    }

    async load(range, others) {
      this.range = range;
      const ask = (this.ask = Symbol("the latest question"));
      this.mark(range);
      this.figure.classList.add("is-loading");
      this.figure.setAttribute("aria-busy", "true");
      try {
        const response = await fetch(`${this.figure.dataset.chart}?range=${range}`);
        if (!response.ok) throw new Error(`status ${response.status}`);
        const data = await response.json();
        if (ask !== this.ask) return; // somebody clicked on in the meantime
        const next = others.find((other) => other !== range);
        if (data.candles.length < 2 && next) {
          this.load(next, others.slice(others.indexOf(next) + 1));
          return;
        }
        this.fill(data);
      } catch {
        if (ask === this.ask) this.fail();
      } finally {
        if (ask === this.ask) {
          this.figure.classList.remove("is-loading");
          this.figure.removeAttribute("aria-busy");
        }
      }
    }

    mark(range) {
      for (const link of this.card.querySelectorAll("[data-ranges] [data-range]")) {
        if (link.dataset.range === range) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    }

    fill(data) {
      const rate = pulse.currency.rate;
      const price = (text) => Number(text) * rate;
      this.seconds = data.seconds;
      this.rows = data.candles.map(([time, open, high, low, close, volume]) => ({
        time,
        open: price(open),
        high: price(high),
        low: price(low),
        close: price(close),
        volume: volume === null ? null : Number(volume),
      }));
      this.say(this.rows.length ? "" : "No history for this range yet. It grows from now on.");
      this.setPrecision();
      this.paint();
      this.chart.timeScale().fitContent();
      this.show(this.rows.at(-1));
      this.summarise();
      this.find("[data-chart-note]").textContent =
        this.rows.length ? `One candle is ${pulse.span(data.seconds * 1000)}` : "";
      this.figure.dataset.ready = data.range;
    }

    // lightweight-charts rounds to this step; the formatter decides how it is written.
    setPrecision() {
      const least = Math.min(...this.rows.map((row) => row.low));
      const digits = Number.isFinite(least) && least > 0 ? -Math.floor(Math.log10(least)) + 4 : 2;
      const precision = Math.min(Math.max(digits, 2), 18);
      const priceFormat = { type: "custom", minMove: 10 ** -precision, formatter: pulse.axis };
      this.candles.applyOptions({ priceFormat });
      this.line.applyOptions({ priceFormat });
    }

    // An interval without a price is an empty place, not a line across.
    withGaps(points) {
      const spaced = [];
      for (const point of points) {
        const before = spaced.at(-1)?.time;
        const missing = before ? Math.round((point.time - before) / this.seconds) - 1 : 0;
        if (missing > 0 && missing + spaced.length < MOST_GAP_POINTS) {
          for (let n = 1; n <= missing; n++) spaced.push({ time: before + n * this.seconds });
        }
        spaced.push(point);
      }
      return spaced;
    }

    paint() {
      const [up, down] = [colour("--up"), colour("--down")];
      const isRising = this.rows.length && this.rows.at(-1).close >= this.rows[0].open;
      const trend = isRising ? "--up" : "--down";
      const isCandles = this.kind === "candles";
      this.chart.applyOptions(look());
      this.candles.applyOptions({
        upColor: up,
        downColor: down,
        wickUpColor: up,
        wickDownColor: down,
        priceLineColor: colour("--text-3"),
        priceLineStyle: 1,
        visible: isCandles,
      });
      this.line.applyOptions({
        lineColor: colour(trend),
        topColor: colour(trend, 0.22),
        bottomColor: colour(trend, 0),
        visible: !isCandles,
      });
      const rows = this.withGaps(this.rows);
      this.candles.setData(rows);
      this.line.setData(rows.map(({ time, close }) => (close ? { time, value: close } : { time })));
      this.paintVolume();
    }

    paintVolume() {
      const known = this.rows.filter((row) => row.volume !== null);
      this.bars.setData(
        known.map((row) => ({
          time: row.time,
          value: row.volume,
          color: colour(row.close >= row.open ? "--up" : "--down", 0.28),
        })),
      );
      this.chart.priceScale("right").applyOptions({
        scaleMargins: { top: 0.12, bottom: known.length ? 0.22 : 0.08 },
      });
    }

    show(row) {
      const box = this.find("[data-ohlc]");
      box.hidden = !row;
      if (!row) return;
      for (const [key, field] of [["o", "open"], ["h", "high"], ["l", "low"], ["c", "close"]]) {
        this.find(`[data-${key}]`).textContent = pulse.amount(row[field]);
      }
      const volume = this.find("[data-volume]");
      volume.hidden = row.volume === null;
      if (row.volume === null) return;
      const digits = { notation: "compact", maximumFractionDigits: 2 };
      this.find("[data-v]").textContent =
        `${new Intl.NumberFormat("en-US", digits).format(row.volume)} ${this.figure.dataset.symbol}`;
    }

    summarise() {
      if (!this.rows.length) return;
      const high = Math.max(...this.rows.map((row) => row.high));
      const low = Math.min(...this.rows.map((row) => row.low));
      this.find("[data-chart-summary]").textContent =
        `${this.figure.dataset.symbol} over ${this.range}: from ${pulse.amount(this.rows[0].open)} ` +
        `to ${pulse.amount(this.rows.at(-1).close)}, high ${pulse.amount(high)}, ` +
        `low ${pulse.amount(low)}.`;
    }

    say(sentence) {
      const box = this.find("[data-chart-message]");
      box.hidden = !sentence;
      box.textContent = sentence;
    }

    fail() {
      this.say("The price history did not load. Nothing else is affected.");
      const again = document.createElement("button");
      again.type = "button";
      again.className = "button button--quiet";
      again.dataset.again = "";
      again.textContent = "Try again";
      this.find("[data-chart-message]").append(again);
    }

    // A tick moves the last candle, or begins the next one.
    grow({ price, at }) {
      if (!this.seconds) return;
      const value = price * pulse.currency.rate;
      const time = Math.floor(at / 1000 / this.seconds) * this.seconds;
      const last = this.rows.at(-1);
      if (last && time < last.time) return;
      if (last && time === last.time) {
        last.close = value;
        last.high = Math.max(last.high, value);
        last.low = Math.min(last.low, value);
        this.candles.update({ ...last });
        this.line.update({ time, value });
        return;
      }
      const row = { time, open: value, high: value, low: value, close: value, volume: null };
      this.rows.push(row);
      if (!last || time - last.time > this.seconds) {
        this.say("");
        this.paint(); // with the gap before it
      } else {
        this.candles.update({ ...row });
        this.line.update({ time, value });
      }
      this.show(row);
    }
  }

  for (const figure of document.querySelectorAll("[data-chart]")) {
    figure.priceChart = new PriceChart(figure);
  }
})();
