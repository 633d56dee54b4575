"""Well-known coins: what a new database shows, and what simulated prices move around.

Prices and supplies are round figures of the years 2025 and 2026, typed by hand: plausible, not
current. Ids are CoinGecko's.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

# How much a price moves in a day, as a share of it (one standard deviation).
STILL = 0.0004  # pegged to the dollar
CALM = 0.011
STEADY = 0.024
LIVELY = 0.036
WILD = 0.052


@dataclass(frozen=True, slots=True)
class CatalogueCoin:
    """One coin as the simulation and the demo know it."""

    id: str
    symbol: str
    name: str
    category: str
    price: Decimal  # US dollars, around which the simulated price moves
    supply: Decimal  # coins in circulation
    daily_move: float
    turnover: float  # the share of the supply that changes hands in a day

    @property
    def market_cap(self) -> Decimal:
        return self.price * self.supply


_LAYER_1 = "Layer 1"
_LAYER_2 = "Layer 2"
_PAYMENT = "Payments"
_STABLE = "Stablecoin"
_DEFI = "DeFi"
_MEME = "Meme"
_EXCHANGE = "Exchange"
_DATA = "Infrastructure"

# id, symbol, name, category, price, coins in circulation, daily move, turnover
_TABLE = (
    ("bitcoin", "btc", "Bitcoin", _PAYMENT, "94000", "19950000", STEADY, 0.03),
    ("ethereum", "eth", "Ethereum", _LAYER_1, "3200", "120700000", LIVELY, 0.06),
    ("tether", "usdt", "Tether", _STABLE, "1", "184000000000", STILL, 0.5),
    ("ripple", "xrp", "XRP", _PAYMENT, "2.2", "60300000000", LIVELY, 0.03),
    ("binancecoin", "bnb", "BNB", _EXCHANGE, "880", "137700000", STEADY, 0.02),
    ("solana", "sol", "Solana", _LAYER_1, "145", "555000000", LIVELY, 0.06),
    ("usd-coin", "usdc", "USDC", _STABLE, "1", "75000000000", STILL, 0.2),
    ("tron", "trx", "TRON", _LAYER_1, "0.28", "94700000000", STEADY, 0.03),
    ("dogecoin", "doge", "Dogecoin", _MEME, "0.15", "151700000000", WILD, 0.06),
    ("cardano", "ada", "Cardano", _LAYER_1, "0.44", "36600000000", LIVELY, 0.05),
    ("hyperliquid", "hype", "Hyperliquid", _EXCHANGE, "33", "270000000", WILD, 0.04),
    ("chainlink", "link", "Chainlink", _DATA, "13.5", "697000000", LIVELY, 0.06),
    ("bitcoin-cash", "bch", "Bitcoin Cash", _PAYMENT, "540", "19950000", LIVELY, 0.04),
    ("stellar", "xlm", "Stellar", _PAYMENT, "0.25", "32000000000", LIVELY, 0.03),
    ("leo-token", "leo", "LEO Token", _EXCHANGE, "9.2", "922000000", CALM, 0.001),
    ("monero", "xmr", "Monero", _PAYMENT, "380", "18450000", LIVELY, 0.03),
    ("sui", "sui", "Sui", _LAYER_1, "1.6", "3680000000", WILD, 0.12),
    ("avalanche-2", "avax", "Avalanche", _LAYER_1, "14", "427000000", LIVELY, 0.07),
    ("dai", "dai", "Dai", _STABLE, "1", "4500000000", STILL, 0.03),
    ("litecoin", "ltc", "Litecoin", _PAYMENT, "85", "76600000", LIVELY, 0.07),
    ("hedera-hashgraph", "hbar", "Hedera", _LAYER_1, "0.14", "42500000000", LIVELY, 0.04),
    ("shiba-inu", "shib", "Shiba Inu", _MEME, "0.0000085", "589000000000000", WILD, 0.03),
    ("the-open-network", "ton", "Toncoin", _LAYER_1, "1.6", "2450000000", LIVELY, 0.03),
    ("crypto-com-chain", "cro", "Cronos", _EXCHANGE, "0.1", "38000000000", LIVELY, 0.02),
    ("polkadot", "dot", "Polkadot", _LAYER_1, "2.2", "1640000000", LIVELY, 0.06),
    ("uniswap", "uni", "Uniswap", _DEFI, "5.8", "630000000", WILD, 0.07),
    ("mantle", "mnt", "Mantle", _LAYER_2, "1.05", "3250000000", LIVELY, 0.03),
    ("aave", "aave", "Aave", _DEFI, "180", "15300000", WILD, 0.08),
    ("bittensor", "tao", "Bittensor", _DATA, "270", "10500000", WILD, 0.06),
    ("pepe", "pepe", "Pepe", _MEME, "0.0000046", "420690000000000", WILD, 0.15),
    ("near", "near", "NEAR Protocol", _LAYER_1, "1.7", "1280000000", WILD, 0.08),
    ("internet-computer", "icp", "Internet Computer", _DATA, "3.4", "545000000", WILD, 0.06),
    ("ethereum-classic", "etc", "Ethereum Classic", _LAYER_1, "13", "154600000", LIVELY, 0.04),
    ("aptos", "apt", "Aptos", _LAYER_1, "1.8", "750000000", WILD, 0.08),
    ("ondo-finance", "ondo", "Ondo", _DEFI, "0.45", "3160000000", WILD, 0.06),
    ("kaspa", "kas", "Kaspa", _LAYER_1, "0.048", "26900000000", WILD, 0.02),
    ("arbitrum", "arb", "Arbitrum", _LAYER_2, "0.21", "5700000000", WILD, 0.09),
    ("cosmos", "atom", "Cosmos Hub", _LAYER_1, "2.3", "485000000", LIVELY, 0.07),
    ("algorand", "algo", "Algorand", _LAYER_1, "0.13", "8830000000", LIVELY, 0.05),
    ("filecoin", "fil", "Filecoin", _DATA, "1.4", "735000000", WILD, 0.12),
    ("render-token", "render", "Render", _DATA, "1.6", "518700000", WILD, 0.07),
    ("bonk", "bonk", "Bonk", _MEME, "0.0000092", "82800000000000", WILD, 0.12),
)
_COINS = tuple(
    CatalogueCoin(coin_id, symbol, name, category, Decimal(price), Decimal(supply), move, turnover)
    for coin_id, symbol, name, category, price, supply, move, turnover in _TABLE
)

#: The coins by market value at their own prices, greatest first: rank 1 is the first.
COINS = tuple(sorted(_COINS, key=lambda coin: coin.market_cap, reverse=True))
BY_ID = {coin.id: coin for coin in COINS}
RANKS = {coin.id: rank for rank, coin in enumerate(COINS, start=1)}

#: Units per US dollar: what the simulation answers, so that money can be shown in each currency.
EXCHANGE_RATES = {
    "USD": Decimal(1),
    "EUR": Decimal("0.86"),
    "GBP": Decimal("0.75"),
    "JPY": Decimal(154),
    "INR": Decimal("88.5"),
    "AUD": Decimal("1.53"),
    "CAD": Decimal("1.4"),
    "CHF": Decimal("0.8"),
    "CNY": Decimal("7.1"),
    "KRW": Decimal(1450),
    "CZK": Decimal("20.8"),
}
