// Runs before the style sheets, so that the first paint has the right theme.
//
// The account's setting comes with the page (data-account-theme). The button changes this browser
// only, until the setting itself is changed; visitors have nothing but the button.
(() => {
  const root = document.documentElement;
  const setting = root.dataset.accountTheme || "";
  root.dataset.scripts = "";

  function stored() {
    try {
      const choice = JSON.parse(localStorage.getItem("theme"));
      return choice && choice.setting === setting ? choice.theme : null;
    } catch {
      return null; // storage is refused, or holds something that is not ours
    }
  }

  function show(theme) {
    root.dataset.theme = theme;
    for (const meta of document.querySelectorAll("meta[name=theme-color]")) {
      meta.content = theme === "dark" ? "#0a0c10" : "#f5f6f8"; // --bg: the window's own frame
    }
  }

  const chosen = stored();
  const first = chosen === "light" || chosen === "dark" ? chosen : setting;
  if (first === "light" || first === "dark") show(first);

  addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const current = root.dataset.theme || (dark ? "dark" : "light");
    show(current === "dark" ? "light" : "dark");
    try {
      localStorage.setItem("theme", JSON.stringify({ theme: root.dataset.theme, setting }));
    } catch {
      // Without storage the choice lasts as long as the page.
    }
    dispatchEvent(new Event("themechange"));
  });
})();
