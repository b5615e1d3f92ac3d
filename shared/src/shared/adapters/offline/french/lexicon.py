"""French word forms: enough verbs to find the predicate of a textbook sentence."""

from typing import NamedTuple

from shared.domain.text.words import listed


class Form(NamedTuple):
    is_plural: bool


_FIRST_GROUP = listed("""absorb abrit aggrav aid amélior apport assur attaqu augment caus capt command comport compt consomm constat
contrôl déclench domin donn dur entour entraîn étudi élimin empêch expliqu export exprim fabriqu favoris fix fond form
gouvern import indiqu instaur invent jou libèr limit marqu mesur modifi montr occup oblig observ orient port possèd pouss
présent proclam prononc propos protèg provoqu publi rassembl régul rejett reli remplac renferm représent ressembl sépar
sign stock supprim symbolis transform transport travers utilis adopt affirm constitu décid abandonn arriv renvoi pass
regroup réalis respect sécrèt stimul transmett utilis échapp illustr incarn oppos organis termin accélèr allum cherch coût
confi circul réclam prépar pratiqu développ achèt rest habit souffr découvr couvr offr ouvr accumul
empar jur condamn nomm baptis dégrad ferm chut enferm install retir gagn lanc annonc ordonn épous déplac rencontr expos
déclar dout fus sollicit évapor condens tourn brûl flott gel cultiv élev chass renvers attir brill compos
affront aliment anim déroul trouv propag annex appel appliqu approuv associ autoris bloqu célèbr class colonis concern concentr confirm conserv
contribu demand démontr dénonc diffus diminu distingu divis effectu engendr enregistr enseign estim évalu évit évolu exploit
explor facilit filtr financ forc formul frapp gard génèr guid impos influenc inspir isol laiss mobilis négoci oxyd parl
particip plac précis profit propag purifi quitt rappel recherch recouvr réfut relev remont renforc révèl revendiqu sauv
signal situ soulign stabilis suggèr support surveill tent trait travaill triomph unifi valid vari vot assassin couronn
digèr ferment pollinis fécond hérit persécut légalis dépos émigr immigr nationalis privatis tax financ transport""")
_SECOND_GROUP = listed(
    "abol aggrand convert établ fourn garant nourr ralent rempl réun sub un ag inflech affaibl défin réfléch rétabl"
)
_IRREGULAR = """produit produisent|permet permettent|reçoit reçoivent|comprend comprennent|contient contiennent|décrit décrivent
|défend défendent|dépend dépendent|détient détiennent|détruit détruisent|devient deviennent|écrit écrivent|élit élisent
|maintient maintiennent|obtient obtiennent|réduit réduisent|soutient soutiennent|conduit conduisent|construit construisent
|introduit introduisent|met mettent|naît naissent|vit vivent|perd perdent|prend prennent|rend rendent|tient tiennent
|sert servent|émet émettent|connaît connaissent|doit doivent|peut peuvent|fait font|sépare séparent|croît croissent
|provient proviennent|vient viennent|suit suivent|transmet transmettent|convainc convainquent|meurt meurent|court courent
|appartient appartiennent|correspond correspondent|répond répondent|jure jurent|souffre souffrent|tire tirent|libère libèrent
|protège protègent|possède possèdent|rejette rejettent|crée créent|mène mènent|pèse pèsent|gère gèrent|règle règlent
|exerce exercent|exige exigent|partage partagent|change changent|dirige dirigent|mange mangent|dégage dégagent
|perçoit perçoivent|aperçoit aperçoivent|inclut incluent|conclut concluent|exclut excluent|résout résolvent|traduit traduisent
|interdit interdisent|extrait extraient|atteint atteignent|craint craignent|peint peignent|acquiert acquièrent|sent sentent
|consent consentent|part partent|sort sortent|fuit fuient|bat battent|combat combattent|vainc vainquent|fond fondent|a ont|avait avaient|eut eurent"""

BE = {"est": False, "sont": True, "était": False, "étaient": True, "fut": False, "furent": True}
DETERMINERS = frozenset(
    listed(
        "le la les l un une des du de d au aux ce cet cette ces son sa ses leur leurs notre nos mon ma mes deux trois "
        "quatre cinq six sept huit neuf dix plusieurs chaque certains certaines quelques"
    )
)
PREPOSITIONS = frozenset(
    listed(
        "de d du des à au aux en dans par pour sur sous avec sans chez entre vers depuis pendant avant après contre selon "
        "et ou ni que qui dont où ne n y lui plus très"
    )
)
ANAPHORS = frozenset(
    listed(
        "il elle ils elles ce cet cette ces cela ça ceci celui celle ceux celles celui-ci celle-ci ceux-ci leur leurs son sa "
        "ses on c'est nous vous je tu tous toutes certains certaines d'autres autre l'un l'une"
    )
)
CONNECTIVES = (
    "cependant|en effet|ainsi|toutefois|de plus|en outre|par conséquent|donc|or|mais|et|par exemple|aujourd'hui|"
    "néanmoins|pourtant|enfin|en général|généralement|souvent|ensuite|alors|d'abord|puis|au total|en résumé|bref"
)
PERSONS = frozenset(
    listed("""savant savante chimiste physicien physicienne biologiste biochimiste astronome mathématicien philosophe roi reine
    empereur général président ingénieur inventeur écrivain auteur poète peintre compositeur économiste historien explorateur
    médecin moine prêtre naturaliste géologue architecte ministre chef navigateur capitaine botaniste députés députées parisiens
    paysans femmes hommes savants artisans avocat tsar pape duc prince marin cardinal""")
)
INSTITUTIONS = frozenset(
    listed("""convention assemblée directoire tribunal comité parlement gouvernement état église armée sénat conseil
    république""")
)
"""Institutions, which act like persons, so that the question for them begins with `qui`."""
MONTHS = "janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre"
NUMBER_WORDS = listed("deux trois quatre cinq six sept huit neuf dix onze douze")
SUPERLATIVE = r"(?:le|la|l'|les) ?(?:plus|moins|seule?s?|premi[eè]re?s?|derni[eè]re?s?|principale?s?|meilleure?s?|unique)\b"


def _forms() -> dict[str, Form]:
    forms: dict[str, Form] = {}
    for root in _FIRST_GROUP:
        forms |= {root + ending: Form(is_plural=False) for ending in ("e", "a", "ait", "era")}
        forms |= {root + ending: Form(is_plural=True) for ending in ("ent", "èrent", "aient", "eront")}
    for root in _SECOND_GROUP:
        forms |= {root + ending: Form(is_plural=False) for ending in ("it", "issait", "ira")}
        forms |= {root + ending: Form(is_plural=True) for ending in ("issent", "irent", "issaient")}
    for entry in _IRREGULAR.replace("\n", "").split("|"):
        singular, plural = entry.split()
        forms |= {singular: Form(is_plural=False), plural: Form(is_plural=True)}
    return forms


FORMS = _forms()
