// The alert form: coins are searched as one types, and the way to the target is said as one types.
// Without this script the same form works: the server finds the coin, and says what is wrong.
(() => {
  const say = pulse.say;
  const { group = ",", point = "." } = document.documentElement.dataset;

  // What is typed, as the server reads it; NaN for what is no number.
  function number(text) {
    const bare = text.trim().replace(/^\$/, "").replaceAll(group, "").replace(point, ".");
    return /^\d*\.?\d+$|^\d+\.$/.test(bare) ? Number(bare) : NaN;
  }

  // --- How far off the target is -----------------------------------------------------------

  function hint(form) {
    const line = form.querySelector("[data-alert-hint]");
    const target = number(form.elements.target.value);
    const price = Number(form.dataset.alertPrice);
    line.classList.remove("is-wrong");
    if (!(target > 0) || !(price > 0)) {
      line.textContent = "";
      return;
    }
    const isAbove = form.elements.condition.value === "above";
    const way = (target / price - 1) * 100;
    if (isAbove ? price < target : price > target) {
      const percent = `${way > 0 ? "+" : "\u2212"}${pulse.percent(way)}`;
      line.textContent = say("Fires at {percent} from now.", { percent });
      return;
    }
    const words = { price: pulse.dollars(price) };
    line.classList.add("is-wrong");
    line.textContent = isAbove
      ? say("The price is at or above that already. Choose one above {price}.", words)
      : say("The price is at or below that already. Choose one below {price}.", words);
  }

  addEventListener("price", ({ detail: { id, price } }) => {
    for (const form of document.querySelectorAll("[data-alert-form]")) {
      if (form.dataset.alertCoinId !== id) continue;
      form.dataset.alertPrice = price;
      hint(form);
    }
  });

  document.addEventListener("input", ({ target }) => {
    const form = target.closest?.("[data-alert-form]");
    if (form && ["target", "condition"].includes(target.name)) hint(form);
  });

  // A proposed target is a link that fills the form of the alerts page; here it fills this one.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-alert-proposal]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const form = link.closest("form");
    const percent = Number(link.dataset.alertProposal);
    const exact = Number(form.dataset.alertPrice) * (1 + percent / 100);
    form.elements.target.value = plain(exact).replace(".", point);
    form.elements.condition.value = percent > 0 ? "above" : "below";
    hint(form);
    form.elements.target.focus();
  });

  // Four digits that count, never as 1e-9.
  function plain(value) {
    const places = Math.max(0, Math.min(18, 3 - Math.floor(Math.log10(value))));
    return Number(value.toPrecision(4)).toFixed(places).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
  }

  // --- The list of coins -------------------------------------------------------------------

  const options = (combo) => [...combo.querySelectorAll("[role=option]")];

  function close(combo) {
    combo.querySelector("ul").hidden = true;
    const input = combo.querySelector("input");
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function choose(option) {
    const combo = option.closest("[data-combo]");
    const form = combo.closest("form");
    combo.querySelector("input").value = option.dataset.text;
    form.dataset.alertCoinId = option.dataset.coin;
    form.dataset.alertPrice = option.dataset.price;
    showPrice(form, option);
    close(combo);
    hint(form);
    form.elements.target.focus();
  }

  function showPrice(form, option) {
    const line = form.querySelector("[data-alert-now]");
    const price = option.querySelector(".price")?.cloneNode(true);
    if (!line || !price) return;
    const [before, after] = say("{coin} is {price} now.", {
      coin: option.dataset.text,
      price: "\u0000",
    }).split("\u0000");
    line.replaceChildren(before, price, after ?? "");
  }

  function pointTo(combo, step) {
    const all = options(combo);
    if (!all.length) return;
    const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
    const next = (at + step + all.length) % all.length;
    for (const [index, option] of all.entries()) option.setAttribute("aria-selected", index === next);
    combo.querySelector("input").setAttribute("aria-activedescendant", all[next].id);
    all[next].scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("htmx:after:swap", (event) => {
    const list = event.detail.ctx?.target;
    const combo = list?.closest?.("[data-combo]");
    if (!combo) return;
    const isOpen = list.childElementCount > 0 && combo.contains(document.activeElement);
    list.hidden = !isOpen;
    combo.querySelector("input").setAttribute("aria-expanded", isOpen);
    const found = options(combo).length;
    if (isOpen) pulse.announce(found ? say("{count} coins match", { count: found }) : say("No coin matches"));
  });

  document.addEventListener("keydown", (event) => {
    const combo = event.target.closest?.("[data-combo]");
    if (!combo || combo.querySelector("ul").hidden) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const pointed = combo.querySelector("[aria-selected='true']");
    if (event.key === "Escape") close(combo);
    else if (step) pointTo(combo, pointed || step > 0 ? step : 0);
    else if (event.key === "Enter" && pointed) choose(pointed);
    else return;
    event.preventDefault();
  });

  // Before the field loses the focus: the list would be gone when the button comes up.
  document.addEventListener("pointerdown", (event) => {
    const option = event.target.closest?.("[data-combo] [role=option]");
    if (!option) return;
    event.preventDefault();
    choose(option);
  });

  document.addEventListener("focusout", (event) => {
    const combo = event.target.closest?.("[data-combo]");
    if (combo && !combo.contains(event.relatedTarget)) close(combo);
  });
  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.("[data-combo] input")) setTimeout(() => event.target.select());
  });
})();
