"""Finds what a template shows that no translation can change: bare words between its tags."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from django.template.base import Lexer, TokenType

#: Names, which are the same in every language, and what is spelt, not said.
NAMES = frozenset(
    """
    CryptoPulse CoinGecko TradingView Lightweight Charts Inter Django DynamoDB PostgreSQL SQLite
    Redis Celery Amazon SNS AWS RSS JSON API CSV HTML JavaScript SMS UTC USD BTC RSI MACD SMA EMA
    SIL Apache MIT Bollinger Copyright Inc https www tradingview com
    """.split()  # noqa: SIM905 (a list of words reads as one)
)
SAID_ATTRIBUTES = frozenset({"title", "aria-label", "placeholder", "alt", "label", "data-confirm"})
#: Arguments of tags that are shown: {% include "components/empty.html" with title="..." %}.
_SHOWN_ARGUMENT = re.compile(r'\b(?:title|text|action|label|note|heading)="([^"]*)"')
_WORD = re.compile(r"[A-Za-zÀ-ž]{2,}")
_TRANSLATED = re.compile(r"(?:blocktranslate|blocktrans)\b")


def bare_texts(source: str) -> Iterator[str]:
    """Yield the texts of a template that stand outside of every translation."""
    html, within = [], ""
    for token in Lexer(source).tokenize():
        kind, content = token.token_type, token.contents
        if kind == TokenType.BLOCK:
            name = content.split()[0]
            if within:
                within = "" if name == within else within
            elif content.startswith("block main_class"):
                within = "endblock"
            elif _TRANSLATED.match(name) or name == "comment":
                within = f"end{name}"
            elif name not in {"url", "static", "if", "elif", "block", "extends", "load"}:
                yield from (said for said in _SHOWN_ARGUMENT.findall(content) if _is_said(said))
        elif kind == TokenType.TEXT and not within:
            html.append(content)
    yield from _texts_of("".join(html))


def _is_said(text: str) -> bool:
    return any(word not in NAMES for word in _WORD.findall(text))


def _texts_of(html: str) -> Iterator[str]:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    yield from (text for text in reader.texts if _is_said(text))


class _Reader(HTMLParser):
    """Collects what people see or hear: text, and the attributes that are read out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in {"script", "style", "code", "kbd", "pre"}
        if ("translate", "no") in attrs:  # spelt in every language alike: a sample of a file
            return
        self.texts += [value.strip() for name, value in attrs if name in SAID_ATTRIBUTES and value]

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in {"script", "style", "code", "kbd", "pre"} and self._silent > 0

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip():
            self.texts.append(" ".join(data.split()))
