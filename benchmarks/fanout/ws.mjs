// The peer: Node's `ws`, without compression; a tick's bytes are made once for all.
// Commands and ticks are those of server.py and ticks.py.

import { createInterface } from "node:readline";

import { WebSocket, WebSocketServer } from "ws";

const COINS = 100;
const RUN_UP = 100; // milliseconds

const microseconds = () => process.hrtime.bigint() / 1000n; // CLOCK_MONOTONIC
const milliseconds = () => performance.now();

function prepare(first, count, rate) {
  const start = Date.now();
  return Array.from({ length: count }, (_, index) => {
    const at = start + Math.round((index * 1000) / rate);
    const coins = Array.from({ length: COINS }, (_, number) => ({
      id: `coin-${number}`,
      symbol: `c${number}`,
      price: (1000 + Math.random() * 89000).toFixed(2),
      at,
      change_24h: "2.31",
      source: "coinbase",
    }));
    coins[1].price = String(first + index);
    return { type: "tick", at, source: "coinbase", simulated: false, stale_after: 300, coins };
  });
}

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: 0,
  backlog: 2048,
  perMessageDeflate: false,
});

function send(tick) {
  tick.coins[0].price = String(microseconds());
  tick.at = Date.now();
  const bytes = Buffer.from(JSON.stringify(tick));
  for (const client of server.clients)
    if (client.readyState === WebSocket.OPEN) client.send(bytes, { binary: false });
}

function go(ticks, rate) {
  const start = milliseconds() + RUN_UP;
  const next = (index) => {
    if (index === ticks.length) return;
    setTimeout(
      () => {
        send(ticks[index]);
        next(index + 1);
      },
      Math.max(0, start + (index * 1000) / rate - milliseconds()),
    );
  };
  next(0);
}

server.on("listening", () => console.log(`port ${server.address().port}`));

let ticks = [];
let rate = 1;
const input = createInterface({ input: process.stdin });
input.on("line", (line) => {
  const [word, ...values] = line.split(" ");
  if (word === "prepare") {
    rate = Number(values[2]);
    ticks = prepare(Number(values[0]), Number(values[1]), rate);
    console.log("prepared");
  } else if (word === "go") {
    go(ticks, rate);
  }
});
input.on("close", () => process.exit(0));
