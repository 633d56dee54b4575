"""Ten minutes of everything at once: browsers, kills, outages. `python -m tests.recovery.soak`.

`script` says how prices go and, by arithmetic of its own, what must fire; `feed` brings them into
the product; `production` starts, kills and restarts the product's processes; `browsers` and
`mailbox` are those who watch and those who are written to; `logs` says which lines may appear;
`verdicts` compares. `run` ties them together.
"""
