// Keeps the way to each target current from the "price" events of live.js, and brings the list
// up to date when an alert has fired.
(() => {
  addEventListener("price", ({ detail: { id, price } }) => {
    for (const row of document.querySelectorAll("[data-alert-coin]")) {
      const cell = row.querySelector("[data-alert-distance]");
      if (row.dataset.alertCoin !== id || !cell || !(price > 0)) continue;
      if (row.dataset.alertState === "fired") continue; // it has been there
      const way = (Number(row.dataset.alertTarget) / price - 1) * 100;
      const percent = pulse.percent(way);
      cell.firstElementChild.textContent =
        way > 0 ? pulse.say("{percent} up", { percent }) : pulse.say("{percent} down", { percent });
    }
  });

  addEventListener("personal", ({ detail: { type } }) => {
    const page = document.querySelector("#alerts-page");
    const isTyping = page?.querySelector("form :focus:not(button)");
    if (type === "alert" && page && !isTyping && window.htmx) {
      const here = `${location.pathname}${location.search}`;
      htmx.ajax("GET", here, { target: "#alerts-page", swap: "outerHTML" });
    }
  });
})();
