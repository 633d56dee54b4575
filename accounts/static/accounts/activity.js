// A list that follows the activity log: new lines arrive on top while the page is looked at.
(() => {
  const EVERY = 5000; // milliseconds
  const MOST = 200; // lines that the page keeps

  const list = document.querySelector("tbody[data-follow]");
  const state = document.querySelector("[data-follow-state]");
  const pause = document.querySelector("[data-follow-pause]");
  if (!list) return;

  let isPaused = false;
  let isAsking = false;
  const shown = new Set([...list.rows].map((row) => row.dataset.key));

  function say(text, isLate) {
    if (!state) return;
    state.textContent = text;
    state.classList.toggle("is-late", isLate);
  }

  // Keys are in order of time, and so is their text.
  function insert(row) {
    const key = row.dataset.key;
    if (shown.has(key)) return;
    shown.add(key);
    row.classList.add("is-new");
    const older = [...list.rows].find((other) => other.dataset.key < key);
    list.insertBefore(row, older || null);
    if (window.htmx) htmx.process(row);
  }

  function take(html) {
    const table = document.createElement("table");
    table.innerHTML = `<tbody>${html}</tbody>`;
    // The oldest first, so that each finds its place with one look at the top.
    for (const row of [...table.tBodies[0].rows].reverse()) insert(row);
    while (list.rows.length > MOST) list.lastElementChild.remove();
  }

  async function ask() {
    const newest = list.rows[0]?.dataset.key;
    if (isPaused || isAsking || document.hidden || !newest) return;
    isAsking = true;
    try {
      const url = `${list.dataset.follow}&after=${newest}`;
      const response = await fetch(url, { headers: { "HX-Request": "true" } });
      if (response.status === 401 || response.status === 403) {
        location.reload(); // the session or the role is another one: the server says what now
        return;
      }
      if (response.status === 200) take(await response.text());
      const works = response.ok;
      say(works ? pulse.say("Live") : pulse.say("Delayed"), !works);
    } catch {
      say(pulse.say("Offline"), true);
    } finally {
      isAsking = false;
    }
  }

  pause?.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.setAttribute("aria-pressed", isPaused);
    pause.querySelector("use").setAttribute("href", isPaused ? "#icon-play" : "#icon-pause");
    pause.querySelector("span").textContent = isPaused ? pulse.say("Go on") : pulse.say("Pause");
    say(isPaused ? pulse.say("Paused") : pulse.say("Live"), isPaused);
    ask();
  });

  document.addEventListener("visibilitychange", ask);
  setInterval(ask, EVERY);
})();
