"""A mail server of this machine that takes everything and notes what came."""

from __future__ import annotations

import asyncio
import email
import time
from collections import Counter
from dataclasses import dataclass, field

#: Seconds that it takes over a mail, as a real one does: time for a sender to be killed in.
TAKES = 0.02


@dataclass
class Mailbox:
    """Counts each event's mails. Speaks as much SMTP as it takes to be given one."""

    port: int = 0
    #: event -> how often it came.
    mails: Counter[str] = field(default_factory=Counter)
    #: event -> when it came first, by time.time().
    at: dict[str, float] = field(default_factory=dict)
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"220 mailbox\r\n")
            while line := await reader.readline():
                verb = line.strip().upper()
                if verb == b"DATA":
                    writer.write(b"354 go on\r\n")
                    self._take(await reader.readuntil(b"\r\n.\r\n"))
                    await asyncio.sleep(TAKES)
                    writer.write(b"250 taken\r\n")
                elif verb == b"QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                else:
                    writer.write(b"250 ok\r\n")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the sender was killed
        finally:
            writer.close()

    def _take(self, mail: bytes) -> None:
        event = email.message_from_bytes(mail).get("X-CryptoPulse-Event", "unnamed")
        self.mails[event] += 1
        self.at.setdefault(event, time.time())
