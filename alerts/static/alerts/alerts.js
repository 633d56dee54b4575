// Keeps the way to each target current from the "price" events of live.js, and brings the list
// up to date when an alert has fired.
(() => {
  const percent = (target, price) => ((target - price) / price) * 100;

  addEventListener("price", ({ detail: { id, price } }) => {
    for (const row of document.querySelectorAll("[data-alert-coin]")) {
      const cell = row.querySelector("[data-alert-distance]");
      if (row.dataset.alertCoin !== id || !cell || !(price > 0)) continue;
      if (row.dataset.alertState === "fired") continue; // it has been there
      const way = percent(Number(row.dataset.alertTarget), price);
      cell.textContent = `${Math.abs(way).toFixed(2)}% ${way > 0 ? "up" : "down"}`;
    }
  });

  addEventListener("personal", ({ detail: { type } }) => {
    const page = document.querySelector("#alerts-page");
    const isTyping = page?.querySelector("form :focus:not(button)");
    if (type === "alert" && page && !isTyping && window.htmx) {
      htmx.ajax("GET", location.pathname, { target: "#alerts-page", swap: "outerHTML" });
    }
  });
})();
