// Live prices: one socket for the page; frames touch the cells that show a coin, nothing else.
//
// Marks that it keeps current:
//   data-price="coin"    the price, with a flash; data-at is its moment (Unix ms); with
//                        data-dollars in US dollars, whatever the display currency is
//   data-value-of="coin" data-quantity="0.5"           what so many of the coin are worth
//   data-distance-of="coin" data-target="100000"       how far the price is from a target, in %
//   data-change="coin"   the change of 24 hours
//   data-age="ms"        how long ago that was; with data-age-of="coin", of the coin's price
//   data-live            the pill: Live, Delayed or Offline
//   data-live-banner     shown while there is no connection
// Every new price is also a "price" event: {id, symbol, price, previous, at, change, source}.
(() => {
  const { money, price, percent, direction, say, span } = pulse;
  const pill = document.querySelector("[data-live]");
  const banner = document.querySelector("[data-live-banner]");
  const GRACE = 5000; // a connection lost for less is not worth a word
  const FLASH = 120;
  const ASLEEP = 30_000; // a clock that stood still for so long

  const coins = new Map(); // id -> {price, at, change, symbol, source}
  const waiting = new Map(); // id -> the price that the page shows, until it is painted
  let staleAfter = Number(pill?.dataset.staleAfter || 300) * 1000;
  let newestAt = Number(pill?.dataset.at || 0);
  let clockAhead = 0; // the server's clock minus ours
  let lostAt = 0;
  let isConnected = false;
  let shownState = "";
  let isPaintAsked = false;

  const now = () => Date.now() + clockAhead;

  function take(frame) {
    if (frame.type !== "snapshot" && frame.type !== "tick") return;
    clockAhead = frame.at - Date.now();
    staleAfter = frame.stale_after * 1000;
    for (const coin of frame.coins) {
      const known = coins.get(coin.id);
      if (coin.price === null || (known && known.at >= coin.at)) continue;
      if (!waiting.has(coin.id)) waiting.set(coin.id, known?.price ?? null);
      coins.set(coin.id, {
        symbol: coin.symbol,
        source: coin.source,
        price: Number(coin.price),
        at: coin.at,
        change: coin.change_24h === null ? (known?.change ?? null) : Number(coin.change_24h),
      });
      newestAt = Math.max(newestAt, coin.at);
    }
    paintSoon();
    showState();
  }

  function paintSoon() {
    if (document.hidden || isPaintAsked || !waiting.size) return;
    isPaintAsked = true;
    requestAnimationFrame(paint);
  }

  function paint() {
    isPaintAsked = false;
    const cells = groupByCoin("data-price");
    const changes = groupByCoin("data-change");
    const values = groupByCoin("data-value-of");
    const distances = groupByCoin("data-distance-of");
    for (const [id, previous] of waiting) {
      const coin = coins.get(id);
      for (const cell of cells.get(id) || []) paintPrice(cell, coin);
      for (const cell of changes.get(id) || []) paintChange(cell, coin.change);
      for (const cell of values.get(id) || []) {
        cell.textContent = money(coin.price * Number(cell.dataset.quantity));
      }
      for (const cell of distances.get(id) || []) {
        cell.textContent = percent((Number(cell.dataset.target) / coin.price - 1) * 100);
      }
      dispatchEvent(new CustomEvent("price", { detail: { id, previous, ...coin } }));
    }
    waiting.clear();
    paintAges();
  }

  function groupByCoin(attribute) {
    const groups = new Map();
    for (const cell of document.querySelectorAll(`[${attribute}]`)) {
      const id = cell.getAttribute(attribute);
      if (!groups.has(id)) groups.set(id, []);
      groups.get(id).push(cell);
    }
    return groups;
  }

  function paintPrice(cell, coin) {
    const before = Number(cell.dataset.usd || coin.price);
    if (Number(cell.dataset.at || 0) > coin.at) return; // the page was drawn after this tick
    cell.dataset.usd = coin.price;
    cell.dataset.at = coin.at;
    cell.textContent = price(coin.price, { dollars: "dollars" in cell.dataset });
    cell.classList.toggle("is-stale", now() - coin.at > staleAfter);
    if (coin.price === before || cell.closest(".ticker")) return;
    cell.classList.add(coin.price > before ? "tick-up" : "tick-down");
    setTimeout(() => cell.classList.remove("tick-up", "tick-down"), FLASH);
  }

  function paintChange(cell, change) {
    if (change === null) return;
    const where = direction(change);
    const word = { up: say("up"), down: say("down"), flat: say("unchanged") }[where];
    cell.classList.remove("is-up", "is-down", "is-flat");
    cell.classList.add(`is-${where}`);
    cell.querySelector(".sr-only").textContent = `${word} `;
    cell.lastElementChild.textContent = percent(change);
  }

  function paintAges() {
    for (const cell of document.querySelectorAll("[data-age]")) {
      const at = coins.get(cell.dataset.ageOf)?.at ?? Number(cell.dataset.age);
      write(cell, say("{age} ago", { age: span(now() - at) }));
    }
    for (const cell of document.querySelectorAll("[data-price]")) {
      const at = Number(cell.dataset.at || 0);
      if (at) cell.classList.toggle("is-stale", now() - at > staleAfter);
    }
  }

  // Live: connected, and the newest price is fresh. Delayed: connected, but it is not. Offline:
  // not connected, whatever the age of what is shown.
  function state() {
    if (!isConnected && (lostAt === 0 || Date.now() - lostAt < GRACE)) return shownState || "waiting";
    if (!isConnected) return "offline";
    return newestAt && now() - newestAt <= staleAfter ? "live" : "stale";
  }

  function showState() {
    const next = state();
    if (next === "waiting" || !pill || document.hidden) return;
    write(pill.querySelector("[data-live-text]"), called(next));
    pill.title = newestAt ? say("Newest price {age} ago", { age: span(now() - newestAt) }) : "";
    if (banner) showBanner(next);
    if (next === shownState) return;
    pill.classList.remove("is-live", "is-stale", "is-offline", "is-shown");
    pill.classList.add(`is-${next}`);
    if (shownState === "offline") pulse.toast({ title: say("Connected again"), text: spoken(next), name: "check" });
    if (shownState) pulse.announce(spoken(next, shownState));
    shownState = next;
  }

  function called(state) {
    if (state === "live") return say("Live");
    if (state === "offline") return say("Offline");
    return newestAt ? say("Delayed {age}", { age: span(now() - newestAt) }) : say("No prices yet");
  }

  // A text that is written anew is laid out anew, also when it is the same.
  function write(cell, text) {
    if (cell.textContent !== text) cell.textContent = text;
  }

  function showBanner(next) {
    banner.hidden = next !== "offline";
    if (next !== "offline") return;
    const wait = socket.retryAt ? Math.ceil((socket.retryAt - Date.now()) / 1000) : 0;
    const again = wait > 0 ? say("Trying again in {seconds} s.", { seconds: wait }) : say("Trying again.");
    const lost = say("No connection: these are the last prices we have.");
    write(banner.querySelector("[data-live-banner-text]"), `${lost} ${again}`);
  }

  function spoken(next, before) {
    if (next === "offline") return say("Connection lost. Prices are not live.");
    if (next === "stale") return say("Prices are delayed.");
    return before === "offline" ? say("Connected again. Prices are live.") : say("Prices are live.");
  }

  const socket = new pulse.LiveSocket("/ws/ticker/", {
    frame: take,
    restsWhenHidden: true,
    open() {
      isConnected = true;
      lostAt = 0;
      showState();
    },
    lost() {
      isConnected = false;
      lostAt ||= Date.now();
    },
  });

  banner?.querySelector("button")?.addEventListener("click", () => socket.reopen());

  // Each second while somebody looks; a page in the background has no clock, and paints nothing.
  let clock = 0;
  let lastBeat = Date.now();

  function beat() {
    const slept = Date.now() - lastBeat;
    lastBeat = Date.now();
    if (slept > ASLEEP) socket.reopen(); // the machine slept: the socket only looks open
    paintAges();
    showState();
  }

  function runWhileSeen() {
    clearInterval(clock);
    clock = 0;
    if (document.hidden) return;
    lastBeat = Date.now();
    clock = setInterval(beat, 1000);
    paintSoon();
    beat();
  }

  document.addEventListener("visibilitychange", runWhileSeen);
  runWhileSeen();

  // What htmx brings was drawn by the server; newer prices that we know go on top.
  document.addEventListener("htmx:after:swap", () => {
    for (const id of coins.keys()) if (!waiting.has(id)) waiting.set(id, coins.get(id).price);
    paintSoon();
  });

  pulse.latest = (id) => coins.get(id) || null;
  pulse.serverNow = now;
})();
