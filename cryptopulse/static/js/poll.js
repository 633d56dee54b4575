// Parts of a page that ask again every so many seconds (data-poll), while somebody looks at them.
(() => {
  for (const part of document.querySelectorAll("[data-poll]")) {
    const every = Number(part.dataset.poll) * 1000;
    let asked = Date.now();
    setInterval(() => {
      // What has the focus or is selected is not taken from under a hand.
      const busy = part.contains(document.activeElement) || !getSelection().isCollapsed;
      if (document.hidden || busy || Date.now() - asked < every) return;
      asked = Date.now();
      htmx.trigger(part, "poll");
    }, 1000);
  }
})();
