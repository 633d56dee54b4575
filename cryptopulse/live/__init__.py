"""The live path: one frame per tick to every browser, and personal events.

`hub` is the fan-out, `audience` those who watch the same coins, `pace` how far a reader may be
ahead of what it has read, `ticker` ties it to the market, `transport` carries ticks between
processes, `personal` is what others call, `consumers` are the websockets. Frames are JSON texts:

- `{"type": "snapshot" | "tick", "at", "source", "simulated", "stale_after", "coins": [...]}`,
  the coins as in `board`; a snapshot replaces all that the page knows, a tick adds to it. With
  `"ack": number` the page answers `{"ack": number}`;
- `{"type": "heartbeat", "at"}` after fifteen seconds without a tick.

`/ws/ticker/?coins=bitcoin,ethereum` brings these alone.

Close codes: 4400 asked for what there is not (the reason says what), 4401 not logged in (any
more), 4403 suspended, 4429 too many.
"""
