"""Our texts in other languages: found in the sources, kept in .po files, compiled with Babel.

How to translate
  make messages      finds every text of ours in Python, templates and scripts, and brings
                     locale/<language>/LC_MESSAGES/{django,djangojs}.po up to date: new texts come
                     with an empty msgstr, texts that are gone move to the end (#~) and come back
                     with their translation if they do. Then it compiles and checks.
  manage.py translations extract | compile | check [--missing]     the same, one by one
  Fill in the empty msgstr, with any editor of .po files; `make messages` once more. The .mo files
  are in git, because the product runs without a build; a test holds them to the .po files.

What is ours to translate: `_("...")` and its relatives in Python, `{% translate %}`,
`{% blocktranslate %}` and `_("...")` in templates, `pulse.say("...")` in scripts, the first
argument a literal. Django and allauth bring their own words; where ours shall be others, their
msgid stands in our file (locale/en does that in English). Programs' texts (checks, commands, logs)
stay English.

German: "Sie", as Django and allauth say it; no gendered forms where a neutral word exists. The
words of the field: Kurs (price), Bestand (holding), Einstandswert (cost), Schwankung (volatility),
Kursalarm (price alert), Merkliste (watchlist), Kerze (candle), Kauf/Verkauf, Auftrag (order),
Gewinn/Verlust, Depot (portfolio), Marktkapitalisierung, Handelsvolumen, Abstand, Kanal (channel).
"""

from __future__ import annotations

import gettext
import io
import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.template import TemplateSyntaxError, engines
from django.template.backends.django import DjangoTemplates
from django.template.base import Lexer, Node, NodeList, TokenType
from django.templatetags.i18n import BlockTranslateNode, TranslateNode

LOCALES = Path(settings.BASE_DIR) / "locale"
PACKAGES = ("accounts", "market", "portfolio", "alerts", "cryptopulse")
#: What only operators and programs read.
ENGLISH_ONLY = ("management", "migrations", "checks", "dynamodb", "translations.py")
KEYWORDS = {
    "_": None, "gettext": None, "gettext_lazy": None, "gettext_noop": None,
    "ngettext": (1, 2), "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2), "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3), "npgettext_lazy": ((1, "c"), 2, 3),
}  # fmt: skip

#: Catalogues of the same texts are the same bytes, whenever they were made.
_NO_DATE = datetime(2026, 1, 1, tzinfo=UTC)

#: (msgid or (one, many), context)
Text = tuple[str | tuple[str, ...], str | None]

AnyNode = TypeVar("AnyNode", bound=Node)

_JS_TEXT = r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\$]|\\.)*`"
_SAID = re.compile(rf"\bsay\(\s*((?:{_JS_TEXT})(?:\s*\+\s*(?:{_JS_TEXT}))*)")
_INLINE = re.compile(r"""_\((?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\)""")
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}|</?\w+")


# --- What scripts say ------------------------------------------------------------------------


@lru_cache(maxsize=8)
def script_words(language: str) -> dict[str, str]:
    """Return what scripts say in this language, by the English text; nothing for English."""
    path = LOCALES / language / "LC_MESSAGES" / "djangojs.mo"
    if language == "en" or not path.is_file():
        return {}
    with path.open("rb") as file:
        words = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]  # noqa: SLF001
    return {text: said for text, said in words.items() if text}


# --- Finding them ----------------------------------------------------------------------------


def found(domain: str) -> Catalog:
    """Return a catalogue of every text of ours: "django" or, of scripts, "djangojs"."""
    catalogue = Catalog(fuzzy=False)
    for path, (text, context) in _texts_of(domain):
        name = str(path.relative_to(settings.BASE_DIR))
        catalogue.add(text, locations=[(name, 0)], context=context)
    for message in catalogue:
        message.locations = sorted(set(message.locations))
        if isinstance(message.id, str) and "%(" not in message.id:
            message.flags.discard("python-format")  # "10% of it" is no format
    return catalogue


def _texts_of(domain: str) -> Iterator[tuple[Path, Text]]:
    base = Path(settings.BASE_DIR)
    if domain == "djangojs":
        for path in _sources(base, "js"):
            for said in script_texts(path.read_text()):
                yield path, (said, None)
        return
    for path in _sources(base, "py"):
        for text in python_texts(path.read_bytes()):
            yield path, text
    for path in sorted((base / "templates").rglob("*")):
        if path.suffix in {".html", ".txt"}:
            for text in template_texts(path.read_text(), str(path)):
                yield path, text


def _sources(base: Path, ending: str) -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((base / package).rglob(f"*.{ending}")):
            if not set(ENGLISH_ONLY) & set(path.relative_to(base).parts):
                yield path


def python_texts(source: bytes) -> Iterator[Text]:
    """Yield the texts of a module."""
    for _line, text, _comments, context in extract(
        "python", io.BytesIO(source), KEYWORDS, options={"encoding": "utf-8"}
    ):
        yield text, context


def script_texts(source: str) -> Iterator[str]:
    """Yield what a script says."""
    for match in _SAID.finditer(source):
        parts = re.findall(_JS_TEXT, match.group(1))
        yield "".join(_unquoted(part) for part in parts)


def template_texts(source: str, name: str = "") -> Iterator[Text]:
    """Yield the texts of a template, each exactly as it is looked up when the template is drawn."""
    try:
        nodes = _templates().from_string(source).template.nodelist
    except TemplateSyntaxError as error:
        raise TemplateSyntaxError(f"{name}: {error}") from error
    for node in _of_type(TranslateNode, nodes):
        literal = node.filter_expression.var
        if isinstance(getattr(literal, "literal", literal), str):
            yield str(getattr(literal, "literal", literal)), _context(node)
    for block in _of_type(BlockTranslateNode, nodes):
        one, _names = block.render_token_list(block.singular)
        if block.plural:
            yield (one, block.render_token_list(block.plural)[0]), _context(block)
        else:
            yield one, _context(block)
    for token in Lexer(source).tokenize():
        if token.token_type in (TokenType.VAR, TokenType.BLOCK):
            for match in _INLINE.finditer(token.contents):
                yield _unquoted(match["text"]), None


def _templates() -> DjangoTemplates:
    engine = engines["django"]
    assert isinstance(engine, DjangoTemplates)  # noqa: S101 (settings.TEMPLATES names it so)
    return engine


def _of_type(kind: type[AnyNode], nodes: NodeList) -> Iterator[AnyNode]:
    return (node for node in nodes.get_nodes_by_type(kind) if isinstance(node, kind))


def _context(node: TranslateNode | BlockTranslateNode) -> str | None:
    context = node.message_context
    return str(context.var) if context else None


def _unquoted(literal: str) -> str:
    body = re.sub(r"\\([^\"'`\\nu])", r"\1", literal[1:-1])
    body = body.replace("\\'", "'").replace("\\`", "`")
    if literal[0] != '"':
        body = body.replace('\\"', '"').replace('"', '\\"')
    return str(json.loads(f'"{body}"'.replace("\n", "\\n"), strict=False))


# --- Keeping them ----------------------------------------------------------------------------


def languages() -> list[str]:
    """Return the languages that need a catalogue of ours."""
    return [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def catalogue_path(language: str, domain: str) -> Path:
    """Return where a catalogue is kept."""
    return LOCALES / language / "LC_MESSAGES" / f"{domain}.po"


def read(path: Path, language: str | None = None) -> Catalog:
    """Return a catalogue as it is kept; an empty one where there is none."""
    if not path.is_file():
        about = "# How to translate: see cryptopulse/translations.py."
        return Catalog(locale=language, fuzzy=False, header_comment=about)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def merged(kept: Catalog, texts: Catalog) -> Catalog:
    """Bring a kept catalogue up to date; nothing that was translated is lost or guessed."""
    theirs = [m for m in kept if m.id and "theirs" in m.auto_comments]
    for message in texts:
        if message.id and (come_back := kept.obsolete.pop(_key(message), None)) is not None:
            kept[come_back.id] = come_back
    kept.update(texts, no_fuzzy_matching=True, update_header_comment=False)
    for message in theirs:  # words for Django's and allauth's texts, which no source of ours has
        kept.obsolete.pop(_key(message), None)
        kept[message.id] = message
    return kept


def _key(message: Message) -> str | tuple[str, str]:
    """Return the key that Babel gives a message: the singular, with its context if it has one."""
    singular = _forms(message.id)[0]
    return singular if message.context is None else (singular, message.context)


def _forms(words: str | Sequence[str] | None) -> list[str]:
    """Return the one form of a text, or those for one and for many."""
    return [words or ""] if isinstance(words, str | None) else list(words)


def written(catalogue: Catalog) -> bytes:
    """Return the text of a .po file, the same for the same texts."""
    out = io.BytesIO()
    catalogue.fuzzy = False
    write_po(out, catalogue, width=100, sort_output=True, omit_header=False, include_lineno=False)
    keep = rb"^\"(?:Language|Plural-Forms|Content|MIME)|^\"(?!\w[\w-]+: )"
    lines = out.getvalue().split(b"\n")
    head = lines.index(b"") if b"" in lines else 0
    return b"\n".join(
        [line for line in lines[:head] if not line.startswith(b'"') or re.match(keep, line)]
        + lines[head:]
    )


def compiled(catalogue: Catalog) -> bytes:
    """Return the .mo file of a catalogue: what has no words yet is left to the English ones."""
    done = Catalog(locale=catalogue.locale, fuzzy=False, creation_date=_NO_DATE)
    done.revision_date = _NO_DATE
    for message in catalogue:
        if message.id and all(_forms(message.string)) and not message.fuzzy:
            done[message.id] = message
    out = io.BytesIO()
    write_mo(out, done)
    return out.getvalue()


def extract_all() -> None:
    """Bring every .po file of ours up to date."""
    for domain in ("django", "djangojs"):
        texts = found(domain)
        for language in languages():
            path = catalogue_path(language, domain)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(written(merged(read(path, language), texts)))


def compile_all() -> None:
    """Compile every .po file in locale/."""
    for path in sorted(LOCALES.glob("*/LC_MESSAGES/*.po")):
        path.with_suffix(".mo").write_bytes(compiled(read(path)))
    script_words.cache_clear()


# --- Checking them ---------------------------------------------------------------------------


def problems(language: str, domain: str) -> Iterator[str]:
    """Yield what is wrong with a catalogue, a sentence each."""
    path = catalogue_path(language, domain)
    kept = read(path, language)
    for message in found(domain):
        if not message.id:
            continue
        known = kept.get(message.id, message.context)
        if known is None:
            yield f"{path.name} lacks {message.id!r} of {message.locations[0][0]}; make messages"
        else:
            yield from _flaws(known)
    if path.with_suffix(".mo").read_bytes() != compiled(kept):
        yield f"{path.with_suffix('.mo').name} is not what {path.name} says; make messages"


def _flaws(message: Message) -> Iterator[str]:
    ids, strings = _forms(message.id), _forms(message.string)
    if not all(strings):
        yield f"not translated: {message.id!r}"
        return
    if message.fuzzy:
        yield f"fuzzy: {message.id!r}"
    for number, string in enumerate(strings):
        wanted = set(_PLACEHOLDER.findall(ids[min(number, len(ids) - 1)]))
        if number == 0 and len(ids) > 1:  # "one coin" need not say 1
            wanted &= set(_PLACEHOLDER.findall(string))
        if set(_PLACEHOLDER.findall(string)) != wanted:
            yield f"other placeholders or tags: {message.id!r} -> {string!r}"
