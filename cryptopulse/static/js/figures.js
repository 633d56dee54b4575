// How numbers are written: the same rules as cryptopulse/figures.py, for numbers that come live.
// Everything that pages share hangs on `pulse`.
window.pulse = window.pulse || {};

// Say it in the page's language: pulse.say("Delayed {age}", { age: "4 min" }). The English text is
// the key; <script type="application/json" id="words"> holds the others.
pulse.words = JSON.parse(document.querySelector("#words")?.textContent || "{}");
pulse.say = (text, values = {}) =>
  (pulse.words[text] || text).replace(/\{(\w+)\}/g, (mark, name) => values[name] ?? mark);

(() => {
  const data = document.documentElement.dataset;
  const currency = {
    sign: data.currencySign || "$",
    rate: Number(data.rate) || 1,
    places: Number(data.currencyPlaces ?? 2),
  };
  const usd = { sign: "$", rate: 1, places: 2 };
  const marks = { ",": data.group || ",", ".": data.point || "." };
  const isPlain = marks[","] === "," && marks["."] === ".";
  const DASH = "\u2014";
  const MINUS = "\u2212";
  const NBSP = "\u00a0";
  const formats = new Map();

  // In the person's notation. As text, so that what is halfway is rounded as the server rounds.
  function fixed(size, places) {
    if (!formats.has(places)) {
      const digits = { minimumFractionDigits: places, maximumFractionDigits: places };
      formats.set(places, new Intl.NumberFormat("en-US", digits));
    }
    const written = formats.get(places).format(String(size));
    return isPlain ? written : written.replace(/[,.]/g, (mark) => marks[mark]);
  }

  function together(text) {
    return text.replaceAll(" ", NBSP);
  }

  function exponentOf(size) {
    return Number(size.toExponential().split("e")[1]);
  }

  // Cents, or four digits that count.
  function placesFor(size, coins) {
    if (size === 0 || size >= 100) return coins;
    if (size >= 1) return Math.max(coins, 2);
    return Math.min(20, Math.max(4, 3 - exponentOf(size)));
  }

  // What one coin costs: five digits that count, cents at least.
  function pricePlacesFor(size, coins) {
    return size >= 1 ? Math.max(coins, 4 - exponentOf(size)) : placesFor(size, coins);
  }

  function isNumber(value) {
    return value !== null && value !== "" && value !== undefined && Number.isFinite(Number(value));
  }

  function written(usd, { signed = false, unit = currency, places = placesFor } = {}) {
    if (!isNumber(usd)) return DASH;
    const amount = Number(usd) * unit.rate;
    const size = Math.abs(amount);
    const text = fixed(size, places(size, unit.places));
    const isZero = !/[1-9]/.test(text);
    const sign = isZero ? "" : amount < 0 ? MINUS : signed ? "+" : "";
    return `${sign}${unit.sign}${text}`;
  }

  // An amount of US dollars in the display currency.
  function money(usd, options) {
    return written(usd, options);
  }

  // An amount of US dollars as it is: what is traded and waited for is in dollars.
  function dollars(value) {
    return written(value, { unit: usd });
  }

  // What one coin costs, in the display currency; with `dollars`, in US dollars.
  function price(value, { dollars = false } = {}) {
    return written(value, { unit: dollars ? usd : currency, places: pricePlacesFor });
  }

  // A price that is in the display currency already: of a chart.
  function amount(value) {
    return written(value, { unit: { ...currency, rate: 1 }, places: pricePlacesFor });
  }

  // On the axis of a chart cents only crowd.
  function axis(value) {
    return Math.abs(value) >= 1000 ? `${currency.sign}${fixed(value, 0)}` : amount(value);
  }

  const SHORT = [
    [1e12, () => pulse.say("{amount}T")],
    [1e9, () => pulse.say("{amount}B")],
    [1e6, () => pulse.say("{amount}M")],
    [1e3, () => pulse.say("{amount}K")],
  ];

  // 1.93T, 38.40B: a large number without its currency; null where it is not large.
  function short(size) {
    for (const [power, unit] of SHORT) {
      // Where the unit below would round to a thousand of itself, this one is due.
      if (Math.round((size / power) * 100_000) >= 100_000) {
        return together(unit().replace("{amount}", fixed(size / power, 2)));
      }
    }
    return null;
  }

  function compact(usd) {
    if (!isNumber(usd)) return DASH;
    const text = short(Math.abs(Number(usd) * currency.rate));
    return text === null ? money(usd) : `${usd < 0 ? MINUS : ""}${currency.sign}${text}`;
  }

  // A count, or a measure with so many decimals.
  function number(value, places = 0) {
    if (!isNumber(value)) return DASH;
    const text = fixed(Math.abs(Number(value)), places);
    return Number(value) < 0 && /[1-9]/.test(text) ? `${MINUS}${text}` : text;
  }

  // A quantity with the digits it has.
  function quantity(value) {
    if (!isNumber(value)) return DASH;
    const digits = Number(value).toFixed(20).replace(/0+$/, "").split(".")[1].length;
    return number(value, Math.min(digits, Math.max(0, 14 - exponentOf(Number(value)))));
  }

  function percent(value) {
    return isNumber(value) ? `${fixed(Math.abs(Number(value)), 2)}%` : DASH;
  }

  function direction(value) {
    if (!isNumber(value) || Math.abs(Number(value)) < 0.005) return "flat";
    return Number(value) > 0 ? "up" : "down";
  }

  const UNITS = [
    [86400, () => pulse.say("{count} d")],
    [3600, () => pulse.say("{count} h")],
    [60, () => pulse.say("{count} min")],
    [1, () => pulse.say("{count} s")],
  ];

  // "12 s", "4 min": so many milliseconds in their largest unit.
  function span(milliseconds) {
    const seconds = Math.max(0, Math.floor(milliseconds / 1000));
    const [length, unit] = UNITS.find(([size]) => seconds >= size) || UNITS.at(-1);
    return together(unit().replace("{count}", Math.floor(seconds / length)));
  }

  // The number as a form field takes it: in the person's notation, without groups.
  function typed(plain) {
    return String(plain).replace(".", marks["."]);
  }

  Object.assign(pulse, {
    currency, money, dollars, price, amount, axis, compact, short, number, quantity, percent,
    direction, span, typed,
  });
})();
