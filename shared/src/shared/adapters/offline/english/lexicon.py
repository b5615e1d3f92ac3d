"""English word forms: enough verbs to find the predicate of a textbook sentence."""

from typing import NamedTuple

from shared.domain.text.words import listed


class Form(NamedTuple):
    base: str
    tense: str
    """`singular`, `plural` (present) or `past`."""


_REGULAR = listed("""absorb accept adopt affect allow appear attack attract capture carry cause change circle collect combine
complete consume contain control convert cover create damage decrease deliver depend describe destroy determine develop
digest discover dissolve divide drain dominate emit enable encode establish evaporate exceed explain export express
filter form found govern help house improve include increase influence inhabit inspire introduce invade invent join last
launch link maintain measure move need observe occupy occur orbit owe perform permit predict prevent produce propose
protect prove provide publish pump push reach receive record reduce reflect regulate release remain remove replace
represent require return reveal revolve rotate rule separate serve show sign stabilize store suggest supply support
surround sustain synthesize trap transfer transform transmit transport trigger turn use weigh travel happen consist
conquer abolish elect defeat translate compose paint design unite declare proclaim grant fix cure connect belong equal
generate host import lack manufacture mean oxygenate possess process promote refer repair resemble result secrete slow
stimulate stretch suffer symbolize taste touch unlock violate work warm cool expand contract melt freeze flow argue
claim believe persecute legalize depose mark advise survive kill define involve apply add count cross demonstrate display
employ encourage enter escape evolve exist face favor finance follow force gain guarantee guide identify illustrate impose
interact isolate limit live manage modify multiply offer open operate oppose organize pass play prepare present
raise react reject restore resist respond secure select share shape stop succeed threaten trade treat vote unify invest
contaminate colonize assassinate crown annex inspect regain nourish digest ferment pollinate fertilize inherit""")
_DOUBLED = {"control", "emit", "occur", "permit", "transfer", "trap"}
_IRREGULAR = """hold held held|lie lay lain|make made made|build built built|write wrote written|give gave given|take took taken
|become became become|begin began begun|lead led led|break broke broken|bring brought brought|find found found|keep kept kept
|lose lost lost|rise rose risen|send sent sent|win won won|drive drove driven|grow grew grown|know knew known|fall fell fallen
|feed fed fed|eat ate eaten|see saw seen|meet met met|pay paid paid|spread spread spread|fight fought fought|leave left left
|mean meant meant|freeze froze frozen|come came come|have had had|spend spent spent|bear bore born|choose chose chosen
|draw drew drawn|show showed shown|set set set|split split split|sell sold sold|overthrow overthrew overthrown|withdraw withdrew withdrawn|undergo underwent undergone|seek sought sought|speak spoke spoken|teach taught taught|think thought thought"""

BE = {"is": "singular", "are": "plural", "was": "singular", "were": "plural"}
MODALS = frozenset({"can", "may", "must", "will", "could", "should", "would", "has", "have", "had"})
DETERMINERS = frozenset(
    listed(
        "the a an this these that those its his her their our my your each every some any no all many most several "
        "another both few two three four five six seven eight nine ten"
    )
)
PREPOSITIONS = frozenset(
    listed(
        "of in on at by for from with without within into onto over under beneath beyond between among through during "
        "against toward towards across along around as to about after before since until via per like near than up down "
        "out off inside outside behind above below"
    )
)
ANAPHORS = frozenset(
    listed(
        "it they this these those that he she his her their its such here there another others both them one some "
        "many most then thus so we you i"
    )
)
CONNECTIVES = (
    "however|therefore|moreover|furthermore|thus|hence|indeed|in fact|for example|for instance|today|nevertheless|"
    "in addition|as a result|consequently|finally|generally|usually|often|in general|in short|now|but|and|yet|so|also"
)
PERSONS = frozenset(
    listed("""scientist chemist physicist biologist astronomer mathematician philosopher king queen emperor general president
    engineer inventor writer author poet painter composer economist historian explorer doctor physician monk priest
    naturalist geologist architect minister leader sailor captain senator botanist teacher student farmers people women men
    scientists philosophers kings slave legionaries soldier citizen worker peasant colonist settler merchant artist
    romans greeks ambassador actor actress singer politician professor director lawyer saint bishop pope prophet prince princess duke
    hero god goddess psychologist sociologist theologian linguist statesman dictator governor founder son daughter brother sister
    wife husband father mother grandfather grandmother uncle aunt cousin nephew niece commander officer warrior deity novelist playwright""")
)
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
NUMBER_WORDS = listed("two three four five six seven eight nine ten eleven twelve")
SUPERLATIVE = r"(?:the|its) (?:only|first|last|main|chief|best|worst|most|least|\w+est)\b"


def _third(base: str) -> str:
    if base == "have":
        return "has"
    if base.endswith(("s", "x", "z", "ch", "sh", "o")):
        return base + "es"
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ies"
    return base + "s"


def _past(base: str) -> str:
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ied"
    return base + (base[-1] if base in _DOUBLED else "") + "ed"


def _forms() -> tuple[dict[str, Form], frozenset[str]]:
    irregular = [entry.split() for entry in _IRREGULAR.replace("\n", "").split("|")]
    pasts = {base: (past, participle) for base, past, participle in irregular}
    forms: dict[str, Form] = {}
    participles: set[str] = set()
    for base in dict.fromkeys((*pasts, *_REGULAR)):
        past, participle = pasts.get(base) or (_past(base), _past(base))
        forms.setdefault(past, Form(base, "past"))
        forms[base] = Form(base, "plural")
        forms[_third(base)] = Form(base, "singular")
        participles.add(participle)
    for unclear in ("set", "split", "spread", "found", "left", "lay", "has", "have", "had"):
        forms.pop(unclear, None)
    return forms | {"found": Form("find", "past")}, frozenset(participles)


FORMS, PARTICIPLES = _forms()
