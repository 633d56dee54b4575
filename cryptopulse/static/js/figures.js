// How numbers are written: the same rules as cryptopulse/figures.py, for numbers that come live.
// Everything that pages share hangs on `pulse`.
window.pulse = window.pulse || {};

(() => {
  const data = document.documentElement.dataset;
  const currency = {
    sign: data.currencySign || "$",
    rate: Number(data.rate) || 1,
    places: Number(data.currencyPlaces ?? 2),
  };
  const usd = { sign: "$", rate: 1, places: 2 };
  const DASH = "\u2014";
  const MINUS = "\u2212";
  const NBSP = "\u00a0";
  const formats = new Map();

  function fixed(size, places) {
    if (!formats.has(places)) {
      const digits = { minimumFractionDigits: places, maximumFractionDigits: places };
      formats.set(places, new Intl.NumberFormat("en-US", digits));
    }
    return formats.get(places).format(size);
  }

  // Cents, or four digits that count.
  function placesFor(size, coins) {
    if (size === 0 || size >= 100) return coins;
    if (size >= 1) return Math.max(coins, 2);
    const exponent = Number(size.toExponential().split("e")[1]);
    return Math.min(20, Math.max(4, 3 - exponent));
  }

  function isNumber(value) {
    return value !== null && value !== "" && value !== undefined && Number.isFinite(Number(value));
  }

  // An amount of US dollars in the display currency.
  function money(usd, { signed = false, unit = currency } = {}) {
    if (!isNumber(usd)) return DASH;
    const amount = Number(usd) * unit.rate;
    const size = Math.abs(amount);
    const text = fixed(size, placesFor(size, unit.places));
    const isZero = !/[1-9]/.test(text);
    const sign = isZero ? "" : amount < 0 ? MINUS : signed ? "+" : "";
    return `${sign}${unit.sign}${text}`;
  }

  // An amount of US dollars as it is: what is traded and waited for is in dollars.
  function dollars(value) {
    return money(value, { unit: usd });
  }

  // An amount that is in the display currency already: the axis of a chart.
  function amount(value) {
    return money(Number(value) / currency.rate);
  }

  // On the axis of a chart cents only crowd.
  function axis(value) {
    return Math.abs(value) >= 1000 ? `${currency.sign}${fixed(value, 0)}` : amount(value);
  }

  function compact(usd) {
    if (!isNumber(usd)) return DASH;
    const size = Math.abs(Number(usd) * currency.rate);
    for (const [unit, power] of [["T", 1e12], ["B", 1e9], ["M", 1e6], ["K", 1e3]]) {
      // Where the unit below would round to a thousand of itself, this one is due.
      if (Math.round((size / power) * 100_000) >= 100_000) {
        return `${usd < 0 ? MINUS : ""}${currency.sign}${fixed(size / power, 2)}${unit}`;
      }
    }
    return money(usd);
  }

  function percent(value) {
    return isNumber(value) ? `${fixed(Math.abs(Number(value)), 2)}%` : DASH;
  }

  function direction(value) {
    if (!isNumber(value) || Math.abs(Number(value)) < 0.005) return "flat";
    return Number(value) > 0 ? "up" : "down";
  }

  const UNITS = [["d", 86400], ["h", 3600], ["min", 60]];

  // "12 s", "4 min": how long ago a moment (Unix ms) was.
  function span(milliseconds) {
    const seconds = Math.max(0, Math.floor(milliseconds / 1000));
    for (const [unit, length] of UNITS) {
      if (seconds >= length) return `${Math.floor(seconds / length)}${NBSP}${unit}`;
    }
    return `${seconds}${NBSP}s`;
  }

  Object.assign(pulse, { currency, money, dollars, amount, axis, compact, percent, direction, span });
})();
