// The comparison that was last looked at opens again: before anything is drawn, /charts/ without a
// choice becomes the address of that choice. compare-chart.js writes it.
(() => {
  const key = `cryptopulse.compare.${document.currentScript.dataset.person}`;
  window.compareMemory = {
    keep(address) {
      try {
        localStorage.setItem(key, address);
      } catch {
        // storage is off: nothing is remembered
      }
    },
  };
  if (location.search) return;
  try {
    const kept = localStorage.getItem(key);
    if (kept?.startsWith("?")) location.replace(location.pathname + kept);
  } catch {
    // storage is off
  }
})();
