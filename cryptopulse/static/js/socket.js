// A websocket that comes back: exponential pauses with jitter, at once when there is a reason.
(() => {
  const FIRST_PAUSE = 1000;
  const LONGEST_PAUSE = 30_000;
  const TOO_MANY = 4429; // the server's close code for too many connections
  const QUIET_TOO_LONG = 60_000;
  const REST_AFTER = 30_000; // in the background

  class LiveSocket {
    // handlers: frame(object), open(), lost(code) -> false to stay away for good;
    // restsWhenHidden: what it brings is for eyes only, so a page in the background does without
    constructor(path, handlers) {
      this.path = path;
      this.handlers = handlers;
      this.failures = 0;
      this.retryAt = 0;
      this.heardAt = 0;
      this.isOver = false;
      addEventListener("online", () => this.isResting || this.reopen());
      addEventListener("offline", () => this.drop());
      addEventListener("pageshow", (event) => event.persisted && this.reopen());
      document.addEventListener("visibilitychange", () => (document.hidden ? this.rest() : this.wake()));
      this.open();
    }

    get isOpen() {
      return this.socket?.readyState === WebSocket.OPEN;
    }

    open() {
      clearTimeout(this.timer);
      if (this.isOver) return;
      const scheme = location.protocol === "https:" ? "wss" : "ws";
      const socket = new WebSocket(`${scheme}://${location.host}${this.path}`);
      this.socket = socket;
      this.retryAt = 0;
      socket.onopen = () => this.is(socket) && this.handlers.open?.();
      socket.onmessage = (event) => this.is(socket) && this.hear(event.data);
      socket.onclose = (event) => this.is(socket) && this.lose(event.code);
    }

    // Events of a socket that has been replaced are nobody's business.
    is(socket) {
      return socket === this.socket;
    }

    hear(text) {
      this.failures = 0;
      this.heardAt = Date.now();
      let frame;
      try {
        frame = JSON.parse(text);
      } catch {
        return;
      }
      this.handlers.frame(frame);
      // Said only now: a page that cannot keep up is sent less, and then the newest.
      if (frame.ack !== undefined) this.socket?.send(JSON.stringify({ ack: frame.ack }));
    }

    lose(code) {
      this.socket = null;
      if (this.handlers.lost?.(code) === false) {
        this.isOver = true;
        return;
      }
      const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.failures);
      const longest = code === TOO_MANY ? 2 * LONGEST_PAUSE : pause;
      this.failures = Math.min(this.failures + 1, 10);
      // Between half of the pause and all of it, so that a restarted server is not stormed.
      const wait = longest * (0.5 + Math.random() / 2);
      this.retryAt = Date.now() + wait;
      this.timer = setTimeout(() => this.open(), wait);
    }

    // The browser says that it has no network: what looks open is not.
    drop() {
      const socket = this.socket;
      if (!socket) return;
      this.socket = null;
      socket.close();
      this.lose(0);
    }

    reopen() {
      const old = this.socket;
      this.failures = 0;
      this.open();
      old?.close();
    }

    rest() {
      if (!this.handlers.restsWhenHidden) return;
      this.restTimer = setTimeout(() => {
        const socket = this.socket;
        clearTimeout(this.timer);
        this.isResting = true;
        this.socket = null;
        socket?.close();
      }, REST_AFTER);
    }

    // A tab that comes back to the front wants prices now, and a laptop that slept holds a
    // socket that only looks open.
    wake() {
      clearTimeout(this.restTimer);
      this.isResting = false;
      if (document.hidden || this.isOver) return;
      const isQuiet = Date.now() - this.heardAt > QUIET_TOO_LONG;
      if (!this.socket || (this.isOpen && isQuiet)) this.reopen();
    }
  }

  pulse.LiveSocket = LiveSocket;
})();
