// Closing an announcement: this browser remembers it in a cookie, so that the next page is drawn
// without it.
(() => {
  const NAME = "dismissed";
  const MOST = 20;
  const DAYS = 60;

  function closed() {
    const found = document.cookie.split("; ").find((entry) => entry.startsWith(`${NAME}=`));
    return found ? found.slice(NAME.length + 1).split(".").filter(Boolean) : [];
  }

  for (const button of document.querySelectorAll("[data-dismiss]")) {
    button.hidden = false; // without this script it could do nothing
    button.addEventListener("click", () => {
      const kept = [...closed(), button.dataset.dismiss].slice(-MOST);
      const safe = location.protocol === "https:" ? "; secure" : "";
      document.cookie = `${NAME}=${kept.join(".")}; path=/; max-age=${DAYS * 86400}; samesite=lax${safe}`;
      button.closest(".announcement").remove();
      document.querySelector("#main")?.focus({ preventScroll: true });
    });
  }
})();
