"""The live path: one frame per tick to every browser, and personal events.

`hub` is the fan-out, `ticker` ties it to the market, `transport` carries ticks between processes,
`personal` is what others call, `consumers` are the websockets. Frames are JSON texts:

- `{"type": "snapshot" | "tick", "at", "source", "simulated", "stale_after", "coins": [...]}`,
  the coins as in `board`; a snapshot replaces all that the page knows, a tick adds to it;
- `{"type": "heartbeat", "at"}` after fifteen seconds without a tick.

Close codes: 4401 not logged in (any more), 4403 suspended, 4429 too many.
"""
