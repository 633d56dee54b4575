"""What the exchanges say, frame by frame as recorded, and scripts that speak as they do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime

from .exchange_server import Script, Visit

#: A price of an exchange, as its own JSON wants it: text for Coinbase and Binance, else a number.
Price = str | float


def written(at: datetime | None = None) -> str:
    """Write a moment as Coinbase and Kraken do, now by default."""
    return (at or datetime.now(tz=UTC)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def every(seconds: float, do: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        await do()


# --- Coinbase ---------------------------------------------------------------------------------


def coinbase_ticker(
    product: str,
    price: Price,
    *,
    sequence: int = 127113500279,
    trade_id: int = 1008094628,
    at: datetime | None = None,
    **more: object,
) -> dict[str, object]:
    """Return a message of `ticker` with all its fields, as recorded in April 2026."""
    return {
        "type": "ticker",
        "product_id": product,
        "sequence": sequence,
        "trade_id": trade_id,
        "time": written(at),
        "price": price,
        "side": "buy",
        "last_size": "0.0003128",
        "best_bid": "77668.91",
        "best_bid_size": "0.20495031",
        "best_ask": "77668.92",
        "best_ask_size": "0.49546688",
        "open_24h": "78107.84",
        "high_24h": "78257.09",
        "low_24h": "77289",
        "volume_24h": "5457.73586321",
        "volume_30d": "261517.66959213",
        **more,
    }


def coinbase_heartbeat(
    product: str, *, trade_id: int = 1008094628, at: datetime | None = None
) -> dict[str, object]:
    return {
        "type": "heartbeat",
        "product_id": product,
        "sequence": 127113500280,
        "last_trade_id": trade_id,
        "time": written(at),
    }


async def coinbase_subscribed(visit: Visit, known: Collection[str] | None = None) -> list[str]:
    """Hear a subscription and answer it; return the products, none if one is not known."""
    request = await visit.hear()
    products = request["product_ids"]
    unknown = [p for p in products if known is not None and p not in known]
    if unknown:  # the first one is named, and nothing at all is subscribed
        reason = f"{unknown[0]} is not a valid product"
        await visit.say({"type": "error", "message": "Failed to subscribe", "reason": reason})
        return []
    channels = [{"name": name, "product_ids": products} for name in request["channels"]]
    await visit.say({"type": "subscriptions", "channels": channels})
    return list(products)


def coinbase(prices: dict[str, list[str]], *, beat: float = 0.05, pause: float = 0.02) -> Script:
    """Speak as Coinbase does: the last match at once, matches, heartbeats; then only heartbeats."""

    async def script(visit: Visit) -> None:
        products: list[str] = []
        while not products:
            products = await coinbase_subscribed(visit, prices)
        trades = dict.fromkeys(products, 1000)

        async def beat_once() -> None:
            for product in products:
                await visit.say(coinbase_heartbeat(product, trade_id=trades[product]))

        async def trade() -> None:
            for step in range(max(len(prices[p]) for p in products)):
                for product in products:
                    if step < len(prices[product]):
                        trades[product] += 1
                        number = trades[product]
                        await visit.say(
                            coinbase_ticker(
                                product, prices[product][step], trade_id=number, sequence=number
                            )
                        )
                await asyncio.sleep(pause)

        await asyncio.gather(every(beat, beat_once), trade(), visit.rest())

    return script


# --- Kraken -----------------------------------------------------------------------------------


def kraken_ticker(
    symbol: str,
    last: object,
    *,
    kind: str = "update",
    at: datetime | None = None,
    timed: bool = True,
    **more: object,
) -> dict[str, object]:
    """Return a message of `ticker` with all its fields; frames of before 2025 have no time."""
    row = {
        "symbol": symbol,
        "bid": 0.10025,
        "bid_qty": 740.0,
        "ask": 0.10036,
        "ask_qty": 1361.44813783,
        "last": last,
        "volume": 997038.98383185,
        "vwap": 0.10148,
        "low": 0.09979,
        "high": 0.10285,
        "change": -0.00017,
        "change_pct": -0.17,
        **({"timestamp": written(at)} if timed else {}),
        **more,
    }
    return {"channel": "ticker", "type": kind, "data": [row]}


KRAKEN_HEARTBEAT = {"channel": "heartbeat"}


def kraken_status(system: str = "online") -> dict[str, object]:
    row = {
        "version": "2.0.10",
        "system": system,
        "api_version": "v2",
        "connection_id": 12393906104898154338,
    }
    return {"channel": "status", "type": "update", "data": [row]}


async def kraken_subscribed(visit: Visit, known: Collection[str] | None = None) -> list[str]:
    """Hear a request and answer for each of its symbols; return those that are well."""
    request = await visit.hear()
    symbols = request["params"]["symbol"]
    well = []
    for symbol in symbols:
        answer: dict[str, object] = {"method": request["method"], "time_in": written()}
        if known is not None and symbol not in known:
            error = f"Currency pair not supported {symbol}"
            answer |= {"error": error, "success": False, "symbol": symbol}
        else:
            result = {"channel": "ticker", "symbol": symbol, "snapshot": True}
            answer |= {"result": result, "success": True}
            well.append(symbol)
        await visit.say(answer | {"time_out": written()})
    return well


async def _kraken_answers(visit: Visit, prices: dict[str, list[float]]) -> None:
    while True:
        symbols = await kraken_subscribed(visit, prices)
        if visit.said[-1]["method"] == "subscribe":
            for symbol in symbols:
                await visit.say(kraken_ticker(symbol, prices[symbol][-1], kind="snapshot"))


def kraken(prices: dict[str, list[float]], *, beat: float = 0.05, pause: float = 0.02) -> Script:
    """Speak as Kraken does: status, answers, a snapshot of each, trades, heartbeats."""

    async def script(visit: Visit) -> None:
        await visit.say(kraken_status())
        subscribed = await kraken_subscribed(visit, prices)
        for symbol in subscribed:
            await visit.say(kraken_ticker(symbol, prices[symbol][0], kind="snapshot"))

        async def trade(symbol: str) -> None:
            for price in prices[symbol][1:]:
                await visit.say(kraken_ticker(symbol, price))
                await asyncio.sleep(pause)

        async def beat_once() -> None:
            await visit.say(KRAKEN_HEARTBEAT)

        trades = [trade(symbol) for symbol in subscribed]
        await asyncio.gather(every(beat, beat_once), *trades, _kraken_answers(visit, prices))

    return script


# --- Binance ----------------------------------------------------------------------------------


def binance_ticker(
    symbol: str, close: object, *, at: datetime | None = None, **more: object
) -> dict[str, object]:
    """Return a `24hrMiniTicker` with all its fields."""
    return {
        "e": "24hrMiniTicker",
        "E": int((at or datetime.now(tz=UTC)).timestamp() * 1000),
        "s": symbol,
        "c": close,
        "o": "100.00",
        "h": "103.00",
        "l": "99.00",
        "v": "10000",
        "q": "1018000",
        **more,
    }


async def binance_subscribed(visit: Visit) -> list[str]:
    """Hear a request and answer it, as it answers for streams that do not exist too."""
    request = await visit.hear()
    await visit.say({"result": None, "id": request["id"]})
    return [stream.partition("@")[0].upper() for stream in request["params"]]


def binance(prices: dict[str, list[str]], *, pause: float = 0.02) -> Script:
    """Speak as Binance does: nothing of a stream that does not exist, and a ping now and then."""

    async def script(visit: Visit) -> None:
        symbols = [s for s in await binance_subscribed(visit) if s in prices]

        async def trade() -> None:
            for step in range(max(map(len, prices.values()))):
                for symbol in symbols:
                    if step < len(prices[symbol]):
                        await visit.say(binance_ticker(symbol, prices[symbol][step]))
                await asyncio.sleep(pause)

        async def ping() -> None:
            await visit.socket.ping(b"1732104000")

        async def answer() -> None:
            while True:
                await binance_subscribed(visit)

        await asyncio.gather(every(0.05, ping), trade(), answer())

    return script
