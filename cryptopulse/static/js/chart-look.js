// How the charts of this product look, in today's theme and the person's palette: pulse.chartColour,
// chartLook, chartFrame; and what a line across a gap needs: pulse.spaced.
(() => {
  // Custom properties hold light-dark(); a probe element gives the colour that is painted.
  const probe = document.createElement("i");
  probe.hidden = true;
  document.body.append(probe);
  const dot = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const MOST_GAP_POINTS = 5000;

  function colour(token, alpha = 1) {
    probe.style.color = `var(${token})`;
    dot.clearRect(0, 0, 1, 1);
    dot.fillStyle = getComputedStyle(probe).color;
    dot.fillRect(0, 0, 1, 1);
    const [red, green, blue] = dot.getImageData(0, 0, 1, 1).data;
    return `rgba(${red}, ${green}, ${blue}, ${alpha})`;
  }

  function look() {
    const cross = {
      color: colour("--line-strong"),
      labelBackgroundColor: colour("--accent-fill"),
    };
    return {
      layout: {
        textColor: colour("--text-3"),
        panes: { separatorColor: colour("--line"), separatorHoverColor: colour("--line-strong") },
      },
      grid: { vertLines: { visible: false }, horzLines: { color: colour("--line") } },
      crosshair: { vertLine: cross, horzLine: cross },
    };
  }

  const frame = {
    autoSize: true,
    layout: {
      attributionLogo: false, // the footer carries the notice
      fontFamily: getComputedStyle(document.body).fontFamily,
      fontSize: 11,
      background: { color: "transparent" },
    },
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.12, bottom: 0.22 } },
    timeScale: {
      borderVisible: false,
      timeVisible: true,
      secondsVisible: false,
      maxBarSpacing: 32, // a coin's first few candles are candles, not blocks
      fixLeftEdge: true,
      fixRightEdge: true,
    },
    handleScroll: { mouseWheel: false, vertTouchDrag: false },
    handleScale: { mouseWheel: false, axisPressedMouseMove: false },
  };

  // Points with an empty place for each interval that has none. A line would be drawn straight
  // across an empty place, so the piece that begins before one is made invisible.
  const HIDDEN = "rgba(0, 0, 0, 0)";
  const NO_LINE = { color: HIDDEN, lineColor: HIDDEN, topColor: HIDDEN, bottomColor: HIDDEN };

  function spaced(points, seconds) {
    const all = [];
    for (const point of points) {
      const before = all.at(-1);
      const missing = before ? Math.round((point.time - before.time) / seconds) - 1 : 0;
      if (missing > 0 && missing + all.length < MOST_GAP_POINTS) {
        if ("value" in before) all[all.length - 1] = { ...before, ...NO_LINE };
        for (let n = 1; n <= missing; n++) all.push({ time: before.time + n * seconds });
      } else if (before && "value" in before && !("value" in point) && !("close" in point)) {
        all[all.length - 1] = { ...before, ...NO_LINE };
      }
      all.push(point);
    }
    return all;
  }

  // Paint again when the colours change.
  function onThemeChange(paint) {
    addEventListener("themechange", paint);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  }

  Object.assign(pulse, {
    chartColour: colour,
    chartLook: look,
    chartFrame: frame,
    spaced,
    onThemeChange,
  });
})();
