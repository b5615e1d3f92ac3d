"""Writes an almanac of invented places, which makes a collection long and holds words of its chapters in other meanings."""

import random
from collections.abc import Mapping, Sequence

from shared.domain.text.language import Language

SENTENCES_PER_PLACE = 6
_SYLLABLES = [
    "bel",
    "cor",
    "dan",
    "fer",
    "gal",
    "hau",
    "lin",
    "mor",
    "nev",
    "pel",
    "ros",
    "sal",
    "tor",
    "ver",
    "wil",
    "zan",
]
_ENDINGS: Mapping[Language, Sequence[str]] = {
    Language.EN: ("ton", "ford", "by", "mouth", "wick"),
    Language.FR: ("ville", "court", "ac", "mont", "ières"),
}
_SENTENCES: Mapping[Language, Sequence[str]] = {
    Language.EN: (
        "{place} lies on the river {river}, about {few} kilometres from the coast.",
        "The first bridge of {place} was built in {year} and swept away by a flood {few} years later.",
        "A king of the north is said to have slept here before a battle, but no record proves it.",
        "The population of {place} reached {many} in {year}.",
        "Coal was found near {place} in {year}, and a railway to the harbour followed {few} years later.",
        "The hospital of {place} was founded in {year} by {person}, a doctor who treated the poor without payment.",
        "Farmers of the valley keep bees and sell their honey at the market in {month}.",
        "A small earthquake damaged the tower of the church in {year}, and its bell has been silent since.",
        "The school of {place} teaches {few} languages and owns a library of {many} books.",
        "In {year} {person} opened a mill that gave work to {few} families.",
        "The old town wall had {few} gates, of which two are still standing.",
        "Winters are mild, and snow seldom lies for more than {few} days.",
        "The museum shows the coins, the tools and the clothes of those who lived here {few} centuries ago.",
        "{person}, who was born in {place}, wrote a book about the plants of the region in {year}.",
        "A disease of the vines ruined many growers in {year}, and they turned to apples.",
        "The council chose {person} as its leader in {year} and paid for a new road.",
        "Visitors come for the lake, where the water is warm enough to swim from {month} on.",
        "The bank of {place} failed in {year}, and {many} people lost their savings.",
        "During the war the castle served as a prison for {few} officers.",
        "The soil is rich, and a third of the land is covered by forest.",
        "Two armies met near {place} in {year}, and the treaty was signed in its town hall.",
        "The power station on the {river} supplies {many} houses with electricity.",
        "An old law allowed the poor to gather wood there on the first day of {month}.",
        "The newspaper of {place} was printed by hand until {year}.",
    ),
    Language.FR: (
        "{place} se trouve au bord de la rivière {river}, à environ {few} kilomètres de la côte.",
        "Le premier pont de {place} fut construit en {year} et emporté par une crue {few} ans plus tard.",
        "Un roi du nord aurait dormi ici avant une bataille, mais aucun document ne le prouve.",
        "La population de {place} atteint {many} habitants en {year}.",
        "On découvre du charbon près de {place} en {year}, et un chemin de fer le mène au port {few} ans après.",
        "L’hôpital de {place} fut fondé en {year} par {person}, un médecin qui soignait les pauvres sans se faire payer.",
        "Les paysans de la vallée élèvent des abeilles et vendent leur miel au marché en {month}.",
        "Un petit séisme endommagea la tour de l’église en {year}, et sa cloche se tait depuis.",
        "L’école de {place} enseigne {few} langues et possède une bibliothèque de {many} livres.",
        "En {year}, {person} ouvrit une filature qui donna du travail à {few} familles.",
        "L’ancienne muraille avait {few} portes, dont deux sont encore debout.",
        "Les hivers sont doux, et la neige y tient rarement plus de {few} jours.",
        "Le musée montre les pièces, les outils et les vêtements de ceux qui vivaient ici il y a {few} siècles.",
        "{person}, né à {place}, écrivit un livre sur les plantes de la région en {year}.",
        "Une maladie de la vigne ruina beaucoup de cultivateurs en {year}, et ils plantèrent des pommiers.",
        "Le conseil choisit {person} pour chef en {year} et paya une nouvelle route.",
        "Les visiteurs viennent pour le lac, dont l’eau est assez chaude pour nager dès {month}.",
        "La banque de {place} fit faillite en {year}, et {many} personnes y perdirent leurs économies.",
        "Pendant la guerre, le château servit de prison à {few} officiers.",
        "Le sol est riche, et un tiers des terres est couvert de forêt.",
        "Deux armées se rencontrèrent près de {place} en {year}, et le traité fut signé dans sa mairie.",
        "La centrale sur la {river} fournit de l’électricité à {many} maisons.",
        "Une vieille loi permettait aux pauvres d’y ramasser du bois le premier jour de {month}.",
        "Le journal de {place} fut imprimé à la main jusqu’en {year}.",
    ),
}
_MONTHS: Mapping[Language, Sequence[str]] = {
    Language.EN: ("March", "May", "June", "September"),
    Language.FR: ("mars", "mai", "juin", "septembre"),
}


def write_almanac(language: Language, words: int) -> str:
    """Chapters on invented places, of at least this many words; always the same ones."""
    chance = random.Random(20_11)
    chapters: list[str] = []
    written = 0
    while written < words:
        chapters.append(_chapter(language, chance))
        written += len(chapters[-1].split())
    return "\n\n".join(chapters)


def _chapter(language: Language, chance: random.Random) -> str:
    place = _name(chance) + chance.choice(_ENDINGS[language])
    sentences = [
        sentence.format(
            place=place,
            river=_name(chance),
            person=f"{_name(chance)} {_name(chance)}",
            month=chance.choice(_MONTHS[language]),
            year=chance.randrange(1400, 1990),
            few=chance.randrange(3, 90),
            many=chance.randrange(2, 90) * 1_000 + 500,
        )
        for sentence in chance.sample(_SENTENCES[language], SENTENCES_PER_PLACE)
    ]
    return f"# {place}\n\n{' '.join(sentences)}"


def _name(chance: random.Random) -> str:
    return "".join(chance.sample(_SYLLABLES, 2)).capitalize()
