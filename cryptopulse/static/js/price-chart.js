// Upgrades each server-drawn line inside [data-chart] to an interactive chart that grows with
// the ticks. Without lightweight-charts the line stays, and the ranges are links.
// Needs chart-look.js and chart-studies.js.
(() => {
  const { LightweightCharts } = window;
  if (!LightweightCharts || pulse.chartsStarted) return;
  pulse.chartsStarted = true;
  const { createChart, CandlestickSeries, HistogramSeries, AreaSeries } = LightweightCharts;
  const RANGES_TO_TRY = ["7d", "1d", "1h"];
  const SETTLE = 3000; // until the server has stored the candle that closed
  const { chartColour: colour } = pulse;

  // What each person last chose, in their browser: range, kind, indicators.
  const memory = {
    key: (figure) => `cryptopulse.chart.${figure.dataset.person || "visitor"}`,
    read(figure) {
      try {
        return JSON.parse(localStorage.getItem(memory.key(figure))) || {};
      } catch {
        return {};
      }
    },
    write(figure, choice) {
      try {
        localStorage.setItem(memory.key(figure), JSON.stringify(choice));
      } catch {
        // storage is off: nothing is remembered
      }
    },
  };

  class PriceChart {
    constructor(figure) {
      this.figure = figure;
      this.card = figure.closest("section");
      this.rows = [];
      this.coin = figure.dataset.coin;
      this.recall();
      this.listen();
      const isChosen = "rangeChosen" in figure.dataset;
      const range = isChosen ? figure.dataset.range : this.choice.range || figure.dataset.range;
      this.load(range, isChosen ? [] : RANGES_TO_TRY);
    }

    find(selector) {
      return this.card.querySelector(selector);
    }

    get boxes() {
      return [...this.card.querySelectorAll("[data-indicators] input")];
    }

    recall() {
      this.choice = memory.read(this.figure);
      this.kind = this.choice.kind === "line" ? "line" : "candles";
      const wanted = new Set(this.choice.indicators || []);
      for (const box of this.boxes) box.checked = wanted.has(box.value);
      this.markKind();
      this.countStudies();
      this.find("[data-kinds]").hidden = false;
      const menu = this.find("[data-indicators]");
      if (menu) menu.hidden = false;
    }

    remember(change) {
      Object.assign(this.choice, change);
      memory.write(this.figure, this.choice);
    }

    build() {
      const canvas = this.find("[data-chart-canvas]");
      canvas.replaceChildren();
      this.chart = createChart(canvas, pulse.chartFrame);
      this.candles = this.chart.addSeries(CandlestickSeries, { borderVisible: false });
      this.line = this.chart.addSeries(AreaSeries, { lineWidth: 2, priceLineVisible: false });
      this.bars = this.chart.addSeries(HistogramSeries, {
        priceScaleId: "",
        priceFormat: { type: "volume" },
        lastValueVisible: false,
        priceLineVisible: false,
      });
      this.bars.priceScale().applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
      this.studies = new pulse.ChartStudies(this.chart, this.find("[data-legend]"));
      this.chart.subscribeCrosshairMove((move) => {
        const index = this.rows.findIndex((row) => row.time === move.time);
        this.show(index < 0 ? this.rows.length - 1 : index);
      });
    }

    listen() {
      this.card.addEventListener("click", (event) => {
        const range = event.target.closest("[data-range]:not(figure)");
        const kind = event.target.closest("[data-kind]");
        const again = event.target.closest("[data-again]");
        if (range) {
          event.preventDefault();
          this.remember({ range: range.dataset.range });
          this.load(range.dataset.range, []);
        }
        if (kind) this.choose(kind.dataset.kind);
        if (again) this.load(this.range, []);
      });
      this.find("[data-indicators]")?.addEventListener("change", () => {
        this.remember({ indicators: this.wanted() });
        this.countStudies();
        this.load(this.range, [], { isQuiet: true });
      });
      this.find("[data-chart-canvas]").addEventListener("keydown", (event) => this.walk(event));
      pulse.onThemeChange(() => this.paint());
      addEventListener("price", ({ detail }) => detail.id === this.coin && this.grow(detail));
    }

    wanted() {
      return this.boxes.filter((box) => box.checked).map((box) => box.value);
    }

    countStudies() {
      const count = this.find("[data-indicator-count]");
      if (count) count.textContent = this.wanted().length || "";
    }

    choose(kind) {
      this.kind = kind;
      this.remember({ kind });
      this.markKind();
      this.paint();
    }

    markKind() {
      for (const button of this.card.querySelectorAll("[data-kind]")) {
        button.setAttribute("aria-pressed", button.dataset.kind === this.kind);
      }
    }

    // A quiet load keeps what is in sight in sight: a candle closed, or an indicator was chosen.
    async load(range, others, { isQuiet = false } = {}) {
      this.range = range;
      const ask = (this.ask = Symbol("the latest question"));
      this.mark(range);
      if (!isQuiet) this.wait(true);
      try {
        const data = await this.fetch(range);
        if (ask !== this.ask) return; // somebody clicked on in the meantime
        const next = others.find((other) => other !== range);
        if (data.candles.length < 2 && next) {
          this.load(next, others.slice(others.indexOf(next) + 1));
          return;
        }
        this.fill(data, isQuiet);
      } catch (error) {
        if (ask === this.ask && !(isQuiet && this.rows.length)) this.fail(error.sentence);
      } finally {
        if (ask === this.ask) this.wait(false);
      }
    }

    async fetch(range) {
      const studies = this.wanted().join(",");
      const address = `${this.figure.dataset.chart}?range=${range}`;
      const response = await fetch(studies ? `${address}&indicators=${studies}` : address);
      if (response.ok) return response.json();
      const error = new Error(`status ${response.status}`);
      const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
      error.sentence = isJson ? (await response.json()).error : "";
      throw error;
    }

    wait(isWaiting) {
      this.figure.classList.toggle("is-loading", isWaiting);
      if (isWaiting) this.figure.setAttribute("aria-busy", "true");
      else this.figure.removeAttribute("aria-busy");
    }

    mark(range) {
      for (const link of this.card.querySelectorAll("[data-ranges] [data-range]")) {
        if (link.dataset.range === range) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    }

    fill(data, isQuiet) {
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
      const shown = isQuiet && this.chart ? this.chart.timeScale().getVisibleLogicalRange() : null;
      if (!this.chart) this.build();
      this.say(this.rows.length ? "" : pulse.say("No history for this range yet. It grows from now on."));
      this.setPrecision();
      this.studies.draw(data.lines || [], this.rows, this.seconds);
      this.figure.dataset.panes = this.studies.below;
      this.paint();
      if (shown) this.chart.timeScale().setVisibleLogicalRange(shown);
      else this.chart.timeScale().fitContent();
      this.show(this.rows.length - 1);
      this.summarise();
      this.find("[data-chart-note]").textContent = this.rows.length
        ? pulse.say("One candle is {length}", { length: pulse.span(data.seconds * 1000) })
        : "";
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

    paint() {
      if (!this.chart) return;
      const [up, down] = [colour("--up"), colour("--down")];
      const isRising = this.rows.length && this.rows.at(-1).close >= this.rows[0].open;
      const trend = isRising ? "--up" : "--down";
      const isCandles = this.kind === "candles";
      this.chart.applyOptions(pulse.chartLook());
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
      this.candles.setData(pulse.spaced(this.rows, this.seconds));
      const closes = this.rows.map(({ time, close }) => ({ time, value: close }));
      this.line.setData(pulse.spaced(closes, this.seconds));
      this.paintVolume();
      this.studies.paint();
    }

    paintVolume() {
      const known = this.rows.filter((row) => row.volume !== null);
      const [up, down] = [colour("--up", 0.28), colour("--down", 0.28)];
      this.bars.setData(
        known.map((row) => ({
          time: row.time,
          value: row.volume,
          color: row.close >= row.open ? up : down,
        })),
      );
      this.chart.priceScale("right").applyOptions({
        scaleMargins: { top: 0.12, bottom: known.length ? 0.22 : 0.08 },
      });
    }

    show(index) {
      const row = this.rows[index];
      const box = this.find("[data-ohlc]");
      box.hidden = !row;
      if (!row) return;
      this.at = index;
      this.studies.show(index);
      this.find("[data-when]").textContent = this.when(row);
      for (const [key, field] of [["o", "open"], ["h", "high"], ["l", "low"], ["c", "close"]]) {
        this.find(`[data-${key}]`).textContent = pulse.amount(row[field]);
      }
      const volume = this.find("[data-volume]");
      volume.hidden = row.volume === null;
      if (row.volume === null) return;
      const text = pulse.short(row.volume) ?? pulse.number(row.volume, 2);
      this.find("[data-v]").textContent = `${text} ${this.figure.dataset.symbol}`;
    }

    when(row) {
      const isDay = this.seconds >= 86400;
      const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
      const day = { day: "numeric", month: "short", ...(isDay ? { year: "numeric" } : clock) };
      const format = new Intl.DateTimeFormat(document.documentElement.lang || "en", {
        ...day,
        timeZone: "UTC",
      });
      return `${format.format(row.time * 1000)}${isDay ? "" : " UTC"}`;
    }

    // Keys on the chart: arrows read candle by candle, + and - zoom, Home and End go to the ends.
    walk(event) {
      if (!this.rows.length || event.ctrlKey || event.metaKey || event.altKey) return;
      const last = this.rows.length - 1;
      const at = this.at ?? last;
      const target = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[event.key];
      if (target !== undefined) this.readAloud(Math.min(Math.max(target, 0), last));
      else if (event.key === "+" || event.key === "=") this.zoom(0.7);
      else if (event.key === "-") this.zoom(1.4);
      else if (event.key === "Escape") this.chart.clearCrosshairPosition();
      else return;
      event.preventDefault();
    }

    readAloud(index) {
      const row = this.rows[index];
      const series = this.kind === "candles" ? this.candles : this.line;
      this.chart.setCrosshairPosition(row.close, row.time, series);
      this.show(index);
      pulse.announce(
        pulse.say("{when}: open {open}, high {high}, low {low}, close {close}", {
          when: this.when(row),
          open: pulse.amount(row.open),
          high: pulse.amount(row.high),
          low: pulse.amount(row.low),
          close: pulse.amount(row.close),
        }),
      );
    }

    zoom(factor) {
      const scale = this.chart.timeScale();
      const { from, to } = scale.getVisibleLogicalRange();
      const length = Math.max((to - from) * factor, 10);
      scale.setVisibleLogicalRange({ from: to - length, to });
    }

    summarise() {
      if (!this.rows.length) return;
      const high = Math.max(...this.rows.map((row) => row.high));
      const low = Math.min(...this.rows.map((row) => row.low));
      this.find("[data-chart-summary]").textContent = pulse.say(
        "{symbol} over {range}: from {first} to {last}, high {high}, low {low}.",
        {
          symbol: this.figure.dataset.symbol,
          range: this.range,
          first: pulse.amount(this.rows[0].open),
          last: pulse.amount(this.rows.at(-1).close),
          high: pulse.amount(high),
          low: pulse.amount(low),
        },
      );
    }

    say(sentence) {
      const box = this.find("[data-chart-message]");
      box.hidden = !sentence;
      box.textContent = sentence;
      this.figure.classList.toggle("is-failed", false);
    }

    fail(sentence) {
      this.say(sentence || pulse.say("The price history did not load. Nothing else is affected."));
      this.figure.classList.add("is-failed");
      const again = document.createElement("button");
      again.type = "button";
      again.className = "button button--quiet";
      again.dataset.again = "";
      again.textContent = pulse.say("Try again");
      this.find("[data-chart-message]").append(again);
    }

    // A tick moves the last candle, or begins the next one.
    grow({ price, at }) {
      if (!this.seconds) return;
      const value = price * pulse.currency.rate;
      const time = Math.floor(at / 1000 / this.seconds) * this.seconds;
      const last = this.rows.at(-1);
      if (last && time < last.time) return;
      const isLastShown = this.at === this.rows.length - 1;
      if (last && time === last.time) {
        last.close = value;
        last.high = Math.max(last.high, value);
        last.low = Math.min(last.low, value);
        this.candles.update({ ...last });
        this.line.update({ time, value });
        if (isLastShown) this.show(this.at);
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
      if (isLastShown) this.show(this.rows.length - 1);
      this.settle();
    }

    // A candle closed: the server knows its volume and the indicators' values.
    settle() {
      clearTimeout(this.settling);
      this.settling = setTimeout(() => {
        if (!document.hidden) this.load(this.range, [], { isQuiet: true });
      }, SETTLE + Math.random() * SETTLE);
    }
  }

  // The menu of indicators closes as menus do.
  document.addEventListener("click", (event) => {
    const menu = document.querySelector("[data-indicators][open]");
    if (menu && !menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("[data-indicators][open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  for (const figure of document.querySelectorAll("[data-chart]")) {
    figure.priceChart = new PriceChart(figure);
  }
})();
