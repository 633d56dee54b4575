"""Which exchange trades which coin for dollars, by the coin's CoinGecko id.

Symbols are not unique and CoinGecko's ids are nobody else's, so the map is written by hand: the
most traded coins, and only where the listing is beyond doubt. Whatever an exchange refuses all
the same is left out while it runs, and a coin that no stream serves stays with CoinGecko.
"""

from __future__ import annotations

# Coin id, base symbol (the same on all three), and where it trades: c is Coinbase (against USD),
# k is Kraken (against USD), b is Binance (against USDT).
_TABLE = """
bitcoin BTC ckb
ethereum ETH ckb
tether USDT ck
ripple XRP ckb
binancecoin BNB ckb
solana SOL ckb
usd-coin USDC kb
tron TRX kb
dogecoin DOGE ckb
cardano ADA ckb
hyperliquid HYPE ck
chainlink LINK ckb
bitcoin-cash BCH ckb
stellar XLM ckb
monero XMR k
sui SUI ckb
avalanche-2 AVAX ckb
dai DAI ck
litecoin LTC ckb
hedera-hashgraph HBAR ckb
shiba-inu SHIB ckb
the-open-network TON kb
crypto-com-chain CRO c
polkadot DOT ckb
uniswap UNI ckb
aave AAVE ckb
bittensor TAO ckb
pepe PEPE ckb
near NEAR ckb
internet-computer ICP ckb
ethereum-classic ETC ckb
aptos APT ckb
ondo-finance ONDO ckb
kaspa KAS k
arbitrum ARB ckb
cosmos ATOM ckb
algorand ALGO ckb
filecoin FIL ckb
render-token RENDER ckb
bonk BONK ckb
optimism OP ckb
injective-protocol INJ ckb
sei-network SEI ckb
celestia TIA ckb
immutable-x IMX ckb
the-graph GRT ckb
blockstack STX ckb
fetch-ai FET ckb
jupiter-exchange-solana JUP kb
ethena ENA kb
dogwifcoin WIF ckb
floki FLOKI ckb
polygon-ecosystem-token POL ckb
lido-dao LDO ckb
curve-dao-token CRV ckb
the-sandbox SAND ckb
decentraland MANA ckb
axie-infinity AXS ckb
tezos XTZ ckb
zcash ZEC ckb
quant-network QNT ckb
thorchain RUNE kb
chiliz CHZ ckb
apecoin APE ckb
compound-governance-token COMP ckb
"""
_ROWS = [line.split() for line in _TABLE.strip().splitlines()]

#: Coin id -> symbol, as each exchange writes it.
COINBASE = {coin_id: f"{base}-USD" for coin_id, base, where in _ROWS if "c" in where}
KRAKEN = {coin_id: f"{base}/USD" for coin_id, base, where in _ROWS if "k" in where}
BINANCE = {coin_id: f"{base}USDT" for coin_id, base, where in _ROWS if "b" in where}
