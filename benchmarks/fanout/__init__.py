"""What it costs to bring a tick to a thousand browsers, beside others that can do it.

- `ours` serves the product itself, `broadcast`, `channels_peer` and `ws.mjs` are the peers: each a
  process that listens, and makes ticks when told to by its standard input (`server`);
- `load` is the thousand browsers, `slow` the few that read at a tenth of the rate: processes of
  their own, on another core than the server where there are two;
- `measure` starts them and reads what they cost the machine, `__main__` compares.

Every server sends the same JSON texts (`ticks`). Two of a tick's prices are not prices: one is the
moment when the tick was made, the other its number, so a browser knows how old a frame is and
which one is missing. Linux only: it reads /proc.
"""
