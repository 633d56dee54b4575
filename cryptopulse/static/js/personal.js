// Events for the person who is logged in: fired alerts, trades, notifications.
(() => {
  const SUSPENDED = 4403;
  const LOGGED_OUT = 4401;
  // Milliseconds: another tab of this browser may be getting the session that replaces this one.
  const PATIENCE = 2000;
  const seen = new Set();

  function hear(event) {
    if (!event.title || seen.has(event.id)) return;
    seen.add(event.id);
    countUnread();
    pulse.toast({ title: event.title, text: event.body, url: event.url });
    if (event.type === "alert") pulse.announce(`${event.title}. ${event.body || ""}`);
    dispatchEvent(new CustomEvent("personal", { detail: event }));
    document.body.dispatchEvent(new CustomEvent(`personal:${event.type}`, { bubbles: true }));
  }

  function countUnread() {
    for (const bell of document.querySelectorAll("[data-bell]")) {
      const count = Number(bell.dataset.unread || 0) + 1;
      bell.dataset.unread = count;
      bell.classList.add("has-dot");
      bell.setAttribute("aria-label", pulse.say("Notifications, {count} new", { count }));
    }
  }

  // A page that is being left has its answer on the way: whoever has just changed the password
  // gets the new session with it, and a reload would cancel that and ask with the old one.
  let leaving = false;
  addEventListener("beforeunload", () => {
    leaving = true;
  });

  // The session is over: the server's answer to a reload says what to do. Once, not in a loop.
  function leave() {
    const last = Number(sessionStorage.getItem("reloaded") || 0);
    if (leaving || Date.now() - last < 30_000) return;
    sessionStorage.setItem("reloaded", Date.now());
    location.reload();
  }

  new pulse.LiveSocket("/ws/me/", {
    frame: hear,
    lost(code) {
      if (code !== LOGGED_OUT && code !== SUSPENDED) return true;
      setTimeout(leave, code === LOGGED_OUT ? PATIENCE : 0);
      return false;
    },
  });
})();
