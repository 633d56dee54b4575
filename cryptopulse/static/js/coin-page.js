// The page of one coin: the profit of what is held, and where the price lies between its low and
// its high, move with the ticks.
(() => {
  addEventListener("price", ({ detail: { id, price } }) => {
    for (const cell of document.querySelectorAll(`[data-profit-of="${CSS.escape(id)}"]`)) {
      const cost = Number(cell.dataset.cost);
      const profit = price * Number(cell.dataset.quantity) - cost;
      cell.firstElementChild.textContent = `${profit > 0 ? "+" : ""}${pulse.money(profit)}`;
      const change = cell.querySelector(".change");
      if (cost > 0 && change) paintChange(change, (profit / cost) * 100);
    }
    for (const bar of document.querySelectorAll(`[data-span-of="${CSS.escape(id)}"]`)) {
      const low = Math.min(Number(bar.dataset.low), price);
      const high = Math.max(Number(bar.dataset.high), price);
      const share = high > low ? (100 * (price - low)) / (high - low) : 50;
      bar.querySelector(".span-fill").setAttribute("width", share.toFixed(1));
      bar.querySelector(".span-mark").setAttribute("x", Math.min(share, 99.4).toFixed(1));
    }
  });

  function paintChange(cell, percent) {
    const way = pulse.direction(percent);
    cell.classList.remove("is-up", "is-down", "is-flat");
    cell.classList.add(`is-${way}`);
    const words = { up: pulse.say("up"), down: pulse.say("down"), flat: pulse.say("unchanged") };
    cell.querySelector(".sr-only").textContent = `${words[way]} `;
    cell.lastElementChild.textContent = pulse.percent(percent);
  }
})();
