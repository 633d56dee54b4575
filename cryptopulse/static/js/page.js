// What every page does with keys, clicks and answers: search, menus, toasts, htmx's failures.
(() => {
  // A refused form answers 422 with its sentence, and htmx draws it. With DEBUG, django-htmx's own
  // script would keep every 4xx and 5xx off the page.
  if (window.htmx) htmx.config.noSwap = [204, 304];

  const announcer = document.querySelector("#announcer");
  const toasts = document.querySelector("#toasts");
  const TOAST_STAYS = 8000;

  function announce(text) {
    if (announcer) announcer.textContent = text;
  }

  function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    svg.setAttribute("class", "icon");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    use.setAttribute("href", `#icon-${name}`);
    svg.append(use);
    return svg;
  }

  function toast({ title, text = "", url = "", name = "bell" }) {
    const box = document.createElement("div");
    box.className = "toast";
    const words = document.createElement(url.startsWith("/") ? "a" : "div");
    words.className = "toast-text";
    if (url.startsWith("/")) words.href = url;
    const head = document.createElement("b");
    head.textContent = title;
    words.append(head);
    if (text) {
      const body = document.createElement("p");
      body.textContent = text;
      words.append(body);
    }
    const close = document.createElement("button");
    close.className = "icon-button";
    close.type = "button";
    close.setAttribute("aria-label", pulse.say("Dismiss"));
    close.append(icon("close"));
    close.addEventListener("click", () => box.remove());
    box.append(icon(name), words, close);
    toasts.append(box);
    let timer = setTimeout(() => box.remove(), TOAST_STAYS);
    box.addEventListener("mouseenter", () => clearTimeout(timer));
    box.addEventListener("mouseleave", () => {
      timer = setTimeout(() => box.remove(), TOAST_STAYS);
    });
    while (toasts.children.length > 4) toasts.firstElementChild.remove();
  }

  function complain(sentence) {
    toast({ title: sentence, name: "warn" });
    announce(sentence);
  }

  Object.assign(pulse, { announce, toast, complain });

  // htmx draws what a form answers (422 with its errors); what is no fragment becomes a sentence.
  document.addEventListener("htmx:after:request", (event) => {
    const { response, text, hx } = event.detail.ctx;
    if (response.status < 400 || response.status === 422 || hx?.redirect) return;
    event.preventDefault();
    let sentence = pulse.say("That did not work. Please try again.");
    if (response.headers.get("Content-Type")?.startsWith("application/json")) {
      try {
        sentence = JSON.parse(text).error || sentence;
      } catch {
        // not JSON after all
      }
    }
    complain(sentence);
  });
  document.addEventListener("htmx:error", (event) => {
    // Given up by the page itself: something newer was asked, or the page is being left.
    if (event.detail.error?.name === "AbortError") return;
    if (event.detail.ctx) complain(pulse.say("The server did not answer. Look again before you repeat it."));
  });

  // Suggestions under the search: arrows walk them, Escape closes them.
  function walkSuggestions(event) {
    const search = event.target.closest?.(".search");
    const list = search?.querySelector("[data-suggestions]");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!list || (!step && event.key !== "Escape")) return;
    const stops = [search.querySelector("input"), ...list.querySelectorAll("a")];
    if (event.key === "Escape") {
      list.replaceChildren();
      stops[0].focus();
    } else if (stops.length > 1) {
      event.preventDefault();
      const next = stops.indexOf(document.activeElement) + step;
      stops[(next + stops.length) % stops.length].focus();
    }
  }
  document.addEventListener("keydown", walkSuggestions);
  document.addEventListener("htmx:after:swap", (event) => {
    const list = event.detail.ctx?.target;
    if (!list?.matches?.("[data-suggestions]") || !list.childElementCount) return;
    const found = list.querySelectorAll("a").length;
    announce(found ? pulse.say("{count} coins match", { count: found }) : pulse.say("No coin matches"));
  });

  // Errors that came back with a form: the first wrong field takes the focus.
  document.addEventListener("htmx:after:swap", () => {
    document.querySelector("main [aria-invalid='true']")?.focus();
  });

  document.addEventListener("click", (event) => {
    const pause = event.target.closest("[data-ticker-pause]");
    if (pause) {
      const isPaused = pause.closest(".ticker").classList.toggle("is-paused");
      pause.setAttribute("aria-pressed", isPaused);
      pause.querySelector("use").setAttribute("href", isPaused ? "#icon-play" : "#icon-pause");
    }
    const menu = document.querySelector("[data-more][open]");
    if (menu && !menu.contains(event.target)) menu.open = false;
  });

  document.addEventListener("keydown", (event) => {
    const menu = document.querySelector("[data-more][open]");
    if (event.key === "Escape" && menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
    const isTyping = event.target.closest?.("input, select, textarea, [contenteditable]");
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const search = document.querySelector(".topbar .search input");
      if (!search) return;
      event.preventDefault();
      search.focus();
    }
  });

  // A form that must not be sent twice is sent once; the server refuses the second anyway.
  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !confirm(question)) {
      event.preventDefault();
      return;
    }
    if (event.defaultPrevented || event.target.method !== "post") return;
    setTimeout(() => {
      for (const button of event.target.querySelectorAll("[type=submit]")) button.disabled = true;
    });
    // Back from the next page, the form is to be used again.
    addEventListener("pageshow", () => {
      for (const button of event.target.querySelectorAll("[type=submit]")) button.disabled = false;
    }, { once: true });
  });

  // The worker keeps files that are named by their content. Where they are not (DEBUG), one that
  // was installed before would show old files: it is removed.
  const isHashed = /\.[0-9a-f]{12}\.js$/.test(document.currentScript?.src || "");
  if (isHashed) {
    addEventListener("load", () => navigator.serviceWorker?.register("/service-worker.js"));
  } else {
    navigator.serviceWorker?.getRegistrations().then((all) => all.forEach((one) => one.unregister()));
  }
})();
