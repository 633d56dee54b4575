// Amounts that others shall not read over one's shoulder: `.private` is blurred (figures.css).
//
// The account's setting comes with the page (data-hide-amounts). The eye at the top changes this
// browser only, until the setting itself is changed. Runs before the first paint.
(() => {
  const root = document.documentElement;
  const setting = "hideAmounts" in root.dataset;

  function stored() {
    try {
      const choice = JSON.parse(localStorage.getItem("amounts"));
      return choice && choice.setting === setting ? choice.hidden : setting;
    } catch {
      return setting; // storage is refused, or holds something that is not ours
    }
  }

  function show(isHidden) {
    root.toggleAttribute("data-hide-amounts", isHidden);
    for (const button of document.querySelectorAll("[data-amounts-toggle]")) {
      button.setAttribute("aria-pressed", isHidden);
    }
  }

  show(stored());
  addEventListener("DOMContentLoaded", () => show("hideAmounts" in root.dataset));
  addEventListener("click", (event) => {
    if (!event.target.closest("[data-amounts-toggle]")) return;
    const hidden = !("hideAmounts" in root.dataset);
    show(hidden);
    try {
      localStorage.setItem("amounts", JSON.stringify({ hidden, setting }));
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  });
})();
