"""Units of measure in English and French, by their symbols and words."""

from collections.abc import Sequence

_PREFIXES = {"": "", "kilo": "k", "milli": "m", "centi": "c", "micro": "µ", "nano": "n", "mega": "m"}
_METRIC = {
    "m": ("metre", "meter"),
    "g": ("gram", "gramme"),
    "l": ("litre", "liter"),
    "hz": ("hertz",),
    "w": ("watt",),
    "v": ("volt",),
    "j": ("joule",),
    "pa": ("pascal",),
    "b": ("byte", "octet"),
}
_PLAIN = {
    "s": ("s", "sec", "second", "seconde"),
    "min": ("min", "minute"),
    "h": ("h", "hour", "heure"),
    "day": ("day", "jour"),
    "week": ("week", "semaine"),
    "month": ("month", "mois"),
    "year": ("year", "an", "annee", "yr"),
    "century": ("century", "siecle", "centuries"),
    "t": ("t", "tonne", "ton"),
    "ha": ("ha", "hectare"),
    "mile": ("mile", "mi"),
    "foot": ("foot", "feet", "ft", "pied"),
    "%": ("%", "percent"),
    "€": ("€", "euro", "eur"),
    "$": ("$", "dollar", "usd"),
    "£": ("£", "pound", "livre"),
    "°": ("°", "degree", "degre"),
    "k": ("kelvin",),
}
_SYMBOLS = {
    unit: unit
    for unit in (
        "m",
        "km",
        "cm",
        "mm",
        "g",
        "kg",
        "mg",
        "l",
        "ml",
        "cl",
        "hz",
        "khz",
        "kw",
        "w",
        "v",
        "j",
        "kj",
        "pa",
    )
}
_WORDS = {word: unit for unit, words in _PLAIN.items() for word in words} | _SYMBOLS
for _prefix, _symbol in _PREFIXES.items():
    for _unit, _names in _METRIC.items():
        for _name in _names:
            # a mega- unit would have the symbol of a milli- one, since case is folded
            _WORDS[_prefix + _name] = ("mega" if _prefix == "mega" else _symbol) + _unit
_PER = frozenset({"per", "par", "/"})
_PERCENT = (("per", "cent"), ("pour", "cent"))
_SCALES_OF_DEGREES = {"c": "°c", "celsius": "°c", "f": "°f", "fahrenheit": "°f"}
UNIT_WORDS = frozenset(
    {*_WORDS, *(f"{word}s" for word in _WORDS), *_PER, "cent", "pour", *_SCALES_OF_DEGREES}
)


def unit_of(words: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The unit that the folded words after a number begin with, in one form for all its spellings, and its words."""
    if tuple(words[:2]) in _PERCENT:
        return "%", tuple(words[:2])
    unit = _single(words[0]) if words else ""
    if not unit:
        return "", ()
    if unit == "°":
        scale = _SCALES_OF_DEGREES.get(words[1], "") if len(words) > 1 else ""
        return scale or unit, tuple(words[: 2 if scale else 1])
    if len(words) > 2 and words[1] in _PER and (divisor := _single(words[2])):
        return f"{unit}/{divisor}", tuple(words[:3])
    return unit, (words[0],)


def _single(word: str) -> str:
    return _WORDS.get(word) or _WORDS.get(word.removesuffix("s"), "")
