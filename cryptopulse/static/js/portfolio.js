// A portfolio that moves with the prices, the parts of the trade form, the crosshair of its curve.
//
// Marks that it keeps current, from <script type="application/json" id="portfolio-live">:
//   data-own="value|day|profit|unrealised"   amounts; data-signed with a plus, data-dollars in US
//                                            dollars, data-compact short
//   data-own-change="day|profit|unrealised|<coin>"   a change in percent (components/change.html)
//   data-own-value, data-own-profit, data-own-share="<coin>"   of one holding
//   data-slice="0"                           a line of the allocation, and its slice of the ring
//
// The rules are those of portfolio/valuation.py: a holding is worth quantity times price rounded
// down to the cent, exactly (BigInt, no floats); value = cash + holdings; unrealised = holdings -
// cost; profit = unrealised + realised; the day's change = value - value 24 hours ago. Until a
// coin's first new price its holding keeps the server's value. What the server draws wins: a
// reload, or the parts that htmx brings, begin from its numbers again. Trades change nothing here
// either; after one, the parts are fetched anew. Work is done once per frame in which a held
// coin's price came (live.js sends none in a hidden tab), and text is only replaced, so that
// nothing moves.
(() => {
  const CENTS = 2;
  const WAITS = 5000; // between two looks at how old the prices are
  let books = null;
  let isAsked = false;

  // "0.00000226" or 2.26e-6 as a whole number and how many decimals it has.
  function exact(value) {
    const [digits, exponent = "0"] = String(value).toLowerCase().split("e");
    const [whole, part = ""] = digits.split(".");
    const places = part.length - Number(exponent);
    const number = BigInt(whole + part);
    return places < 0 ? [number * 10n ** BigInt(-places), 0] : [number, places];
  }

  function inCents(value) {
    const [number, places] = exact(value);
    return places <= CENTS
      ? number * 10n ** BigInt(CENTS - places)
      : number / 10n ** BigInt(places - CENTS);
  }

  // Down to the cent; neither is ever negative.
  function worth(quantity, price) {
    const [coins, coinPlaces] = exact(quantity);
    const [dollars, places] = exact(price);
    const beyond = coinPlaces + places - CENTS;
    const product = coins * dollars;
    return beyond >= 0 ? product / 10n ** BigInt(beyond) : product * 10n ** BigInt(-beyond);
  }

  function read() {
    const source = document.querySelector("#portfolio-live");
    if (!source || books?.source === source) return;
    const stored = JSON.parse(source.textContent);
    const held = new Map();
    for (const one of stored.held) {
      const known = pulse.latest?.(one.id);
      const isNewer = known && known.at > one.at;
      held.set(one.id, {
        quantity: one.quantity,
        cost: inCents(one.cost),
        value: isNewer ? worth(one.quantity, known.price) : inCents(one.value),
        at: isNewer ? known.at : one.at,
      });
    }
    books = {
      source,
      held,
      cash: inCents(stored.cash),
      paidIn: inCents(stored.paid_in),
      cost: inCents(stored.cost),
      realised: inCents(stored.realised),
      dayStart: stored.day_start === null ? null : inCents(stored.day_start),
    };
  }

  function hear({ id, price, at }) {
    read();
    const holding = books?.held.get(id);
    if (!holding || holding.at > at) return;
    holding.value = worth(holding.quantity, price);
    holding.at = at;
    paintSoon();
  }

  function paintSoon() {
    if (isAsked || !books) return;
    isAsked = true;
    requestAnimationFrame(paint);
  }

  function percentOf(part, whole) {
    return whole > 0n ? (Number(part) / Number(whole)) * 100 : null;
  }

  function figures() {
    let holdings = 0n;
    for (const one of books.held.values()) holdings += one.value;
    const value = books.cash + holdings;
    const unrealised = holdings - books.cost;
    const profit = unrealised + books.realised;
    const day = books.dayStart === null ? null : value - books.dayStart;
    return {
      value,
      amounts: { value, unrealised, profit, day },
      percents: {
        unrealised: percentOf(unrealised, books.cost),
        profit: percentOf(profit, books.paidIn),
        day: day === null ? null : percentOf(day, books.dayStart),
      },
    };
  }

  function written(cents, { signed, dollars, compact }) {
    const unit = dollars !== undefined ? { sign: "$", rate: 1, places: 2 } : pulse.currency;
    const usd = Number(cents) / 100;
    if (compact !== undefined) {
      const short = pulse.short(Math.abs(usd * unit.rate));
      if (short !== null) return `${unit.sign}${short}`;
    }
    const text = pulse.number(Math.abs(usd * unit.rate), unit.places);
    const sign = !/[1-9]/.test(text) ? "" : usd < 0 ? "\u2212" : signed !== undefined ? "+" : "";
    return `${sign}${unit.sign}${text}`;
  }

  function say(cell, text) {
    if (cell.textContent !== text) cell.textContent = text;
  }

  function paintChange(box, percent) {
    const cell = box.querySelector(".change");
    if (!cell || percent === null) return;
    const where = pulse.direction(percent);
    cell.classList.remove("is-up", "is-down", "is-flat");
    cell.classList.add(`is-${where}`);
    const word = { up: pulse.say("up"), down: pulse.say("down"), flat: pulse.say("unchanged") };
    say(cell.querySelector(".sr-only"), `${word[where]} `);
    say(cell.lastElementChild, pulse.percent(percent));
  }

  function paint() {
    isAsked = false;
    const { value, amounts, percents } = figures();
    for (const cell of document.querySelectorAll("[data-own]")) {
      const cents = amounts[cell.dataset.own];
      if (cents !== null && cents !== undefined) say(cell, written(cents, cell.dataset));
    }
    for (const box of document.querySelectorAll("[data-own-change]")) {
      const holding = books.held.get(box.dataset.ownChange);
      paintChange(
        box,
        holding
          ? percentOf(holding.value - holding.cost, holding.cost)
          : (percents[box.dataset.ownChange] ?? null),
      );
    }
    for (const [mark, amount] of [
      ["ownValue", (one) => one.value],
      ["ownProfit", (one) => one.value - one.cost],
    ]) {
      const attribute = mark === "ownValue" ? "data-own-value" : "data-own-profit";
      for (const cell of document.querySelectorAll(`[${attribute}]`)) {
        const holding = books.held.get(cell.dataset[mark]);
        if (holding) say(cell, written(amount(holding), cell.dataset));
      }
    }
    for (const cell of document.querySelectorAll("[data-own-share]")) {
      const holding = books.held.get(cell.dataset.ownShare);
      if (holding) say(cell, `${pulse.number(percentOf(holding.value, value) ?? 0, 1)}%`);
    }
    paintAllocation(value);
    paintAge();
  }

  // As valuation.py slices it: the largest coins, the others together, cash last.
  function paintAllocation(value) {
    const rows = [...document.querySelectorAll("[data-slice]")];
    if (rows.length < 2 || value <= 0n) return;
    const held = [...books.held.values()]; // in the server's order: it names the rows
    const named = rows.length - 1 - (held.length > rows.length - 1 ? 1 : 0);
    const parts = held.slice(0, named).map((one) => one.value);
    if (held.length > named) parts.push(held.slice(named).reduce((sum, one) => sum + one.value, 0n));
    parts.push(books.cash);
    if (parts.length !== rows.length) return;
    const circles = document.querySelectorAll(".alloc .donut-slice");
    let offset = 0;
    parts.forEach((part, index) => {
      const share = percentOf(part, value);
      const amount = rows[index].querySelector("[data-slice-value]");
      say(amount, written(part, { ...amount.dataset, compact: "" }));
      say(rows[index].querySelector("[data-slice-share]"), `${pulse.number(share, 1)}%`);
      if (circles.length === parts.length) {
        const length = Math.max(share - 0.9, 0.4);
        circles[index].setAttribute(
          "stroke-dasharray", `${length.toFixed(2)} ${Math.max(100 - length, 0).toFixed(2)}`,
        );
        circles[index].setAttribute("stroke-dashoffset", (-offset).toFixed(2));
      }
      offset += share;
    });
  }

  // A value that rests on an old price is dimmed, as the price is.
  function paintAge() {
    if (!books || !pulse.serverNow) return;
    const limit = Number(document.querySelector("[data-live]")?.dataset.staleAfter || 300) * 1000;
    let oldest = Infinity;
    for (const one of books.held.values()) oldest = Math.min(oldest, one.at);
    const isStale = books.held.size > 0 && pulse.serverNow() - oldest > limit;
    for (const cell of document.querySelectorAll('[data-own="value"]')) {
      cell.classList.toggle("is-stale", isStale);
    }
  }

  addEventListener("price", (event) => hear(event.detail));
  document.addEventListener("htmx:after:swap", () => {
    read();
    if (books && !document.hidden) paintSoon();
    showParts();
  });
  setInterval(() => {
    if (!document.hidden) paintAge();
  }, WAITS);

  // --- Parts of what there is to trade with --------------------------------------------------

  function showParts() {
    for (const parts of document.querySelectorAll("[data-trade-shares]")) parts.hidden = false;
  }

  function fill(button) {
    const order = button.closest("#trade-order");
    const part = BigInt(button.dataset.part);
    const amount = order.querySelector("[name=amount]");
    const quantity = order.querySelector("[name=quantity]");
    const all = order.querySelector("[name=sell_all]");
    amount.value = quantity.value = "";
    all.checked = false;
    if (order.querySelector("[name=side]:checked")?.value === "sell") {
      const chosen = order.querySelector("[name=coin_id]").selectedOptions[0];
      if (part === 100n || !chosen.dataset.held) all.checked = true;
      else quantity.value = pulse.typed(inSteps(chosen.dataset, part));
    } else {
      const cents = (inCents(order.dataset.cash) * part) / 100n;
      amount.value = pulse.typed(`${cents / 100n}.${String(cents % 100n).padStart(2, "0")}`);
    }
    amount.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // A part of what is held, in whole steps of the coin.
  function inSteps({ held, step }, part) {
    const [coins, places] = exact(held);
    const [size, sizePlaces] = exact(step);
    const most = Math.max(places, sizePlaces);
    const unit = size * 10n ** BigInt(most - sizePlaces);
    const wanted = (coins * 10n ** BigInt(most - places) * part) / 100n;
    const digits = String(wanted - (wanted % unit)).padStart(most + 1, "0");
    return most ? `${digits.slice(0, -most)}.${digits.slice(-most)}`.replace(/\.?0+$/, "") : digits;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-part]");
    if (button) fill(button);
  });
  // Whoever types a number means it: "all" and the other field are taken back.
  document.addEventListener("input", (event) => {
    const order = event.target.closest?.("#trade-order");
    if (!order || !event.isTrusted || !event.target.value) return;
    if (event.target.name === "amount") order.querySelector("[name=quantity]").value = "";
    if (event.target.name === "quantity") order.querySelector("[name=amount]").value = "";
    if (["amount", "quantity"].includes(event.target.name)) {
      order.querySelector("[name=sell_all]").checked = false;
    }
  });

  // --- The curve's crosshair -----------------------------------------------------------------

  function point(event) {
    const chart = event.target.closest?.("[data-equity-chart]");
    const points = chart && JSON.parse(document.querySelector("#equity-points").textContent);
    if (!points || points.length < 2) return;
    const box = chart.querySelector("svg").getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    const at = points[0][0] + share * (points.at(-1)[0] - points[0][0]);
    const nearest = points.reduce((best, one) =>
      Math.abs(one[0] - at) < Math.abs(best[0] - at) ? one : best,
    );
    const readout = chart.querySelector("[data-equity-readout]");
    const cross = chart.querySelector("[data-equity-cross]");
    const when = new Date(nearest[0]).toLocaleString(document.documentElement.lang, {
      dateStyle: "medium", timeStyle: "short",
      timeZone: document.documentElement.dataset.timezone || undefined,
    });
    const bitcoin = nearest[2] === null ? "" : ` · BTC ${pulse.dollars(nearest[2])}`;
    readout.textContent = `${when} · ${pulse.dollars(nearest[1])}${bitcoin}`;
    readout.hidden = cross.hidden = false;
    const place = (nearest[0] - points[0][0]) / (points.at(-1)[0] - points[0][0]);
    cross.style.setProperty("left", `${place * 100}%`);
  }

  document.addEventListener("pointermove", point, { passive: true });
  document.addEventListener("pointerout", (event) => {
    const chart = event.target.closest?.("[data-equity-chart]");
    if (!chart || chart.contains(event.relatedTarget)) return;
    for (const part of chart.querySelectorAll("[data-equity-readout], [data-equity-cross]")) {
      part.hidden = true;
    }
  });

  // Who was quicker than this page's scripts, or came back to a form that the browser has kept, has
  // typed something that no preview knows of.
  addEventListener("load", () => {
    const typed = document.querySelectorAll("#trade-order input:not([type=hidden])");
    const changed = [...typed].find(
      (one) => one.value !== one.defaultValue || one.checked !== one.defaultChecked,
    );
    changed?.dispatchEvent(new Event("input", { bubbles: true }));
  });

  read();
  showParts();
  paintAge();
})();
