"""Words of school books in French and English, for questions in the other language than the text.

It has the plain words that look different in the two languages. Words that look alike are found by their spelling.
"""

from collections import defaultdict

from shared.domain.text.words import fold, stem

_PAIRS = """
eau water; feu fire; terre earth land ground soil; air air; vent wind; pluie rain; neige snow; glace ice; mer sea; fleuve river; rivière river;
lac lake; île island; côte coast; montagne mountain; colline hill; vallée valley; forêt forest wood; bois wood; désert desert; champ field;
pierre stone; roche rock; sable sand; boue mud; soleil sun; lune moon; étoile star; ciel sky; nuage cloud; monde world; espace space;
lumière light; ombre shadow; chaleur heat; chaud hot warm; froid cold; couleur colour color; rouge red; bleu blue; vert green; jaune yellow;
blanc white; noir black; brun brown; bruit noise sound; son sound; onde wave; vague wave; marée tide; tremblement quake earthquake; séisme earthquake;
jour day; nuit night; matin morning; soir evening; semaine week; mois month; année year; an year; siècle century; heure hour; temps time weather;
printemps spring; été summer; automne autumn fall; hiver winter; début beginning start; fin end; avenir future; passé past; vitesse speed;
homme man men human; femme woman women; enfant child children; garçon boy; fille girl daughter; fils son; père father; mère mother; frère brother;
soeur sister; mari husband; gens people; peuple people; personne person; ami friend; ennemi enemy; voisin neighbour; roi king; reine queen;
prêtre priest; moine monk; église church; dieu god; paysan peasant farmer; ouvrier worker; travailleur worker; esclave slave; esclavage slavery;
maître master; chef leader; marchand merchant; soldat soldier; marin sailor; savant scholar scientist; scientifique scientist; chercheur researcher;
écrivain writer; peintre painter; médecin doctor physician; malade sick ill patient; chirurgien surgeon; élève pupil; étudiant student;
corps body; tête head; cerveau brain; coeur heart; sang blood; os bone; peau skin; oeil eye; yeux eyes; oreille ear; nez nose; bouche mouth;
dent tooth teeth; langue language tongue; gorge throat; poumon lung; foie liver; estomac stomach; rein kidney; ventre belly; bras arm; main hand;
doigt finger; jambe leg; pied foot feet; cheveu hair; nerf nerve; cellule cell; maladie disease illness; douleur pain; blessure wound injury;
peste plague; rage rabies; variole smallpox; rougeole measles; grippe flu influenza; fièvre fever; toux cough; mort death dead; vie life; vivant living alive;
naissance birth; santé health; médicament drug medicine; remède remedy; vaccin vaccine; nourriture food; aliment food; pain bread; viande meat;
lait milk; oeuf egg; beurre butter; fromage cheese; sucre sugar; sel salt; amidon starch; miel honey; vin wine; graisse fat; régime diet regime;
animal animal; bête beast; chien dog; chat cat; cheval horse; vache cow; boeuf ox; mouton sheep; cochon pig; poule hen chicken; oiseau bird;
poisson fish; souris mouse mice; loup wolf wolves; ours bear; cerf deer; singe monkey ape; grenouille frog; serpent snake; abeille bee; ruche hive;
mouche fly; fourmi ant; papillon butterfly; ver worm; puce flea chip; araignée spider; plante plant; arbre tree; feuille leaf leaves; racine root; fleur flower;
herbe grass; graine seed; blé wheat; riz rice; champignon fungus fungi mushroom; moisissure mould mold; algue alga algae; chêne oak; récolte harvest crop;
guerre war; paix peace; bataille battle; armée army; arme weapon; fusil gun rifle; épée sword; bouclier shield; victoire victory; défaite defeat;
traité treaty; empire empire; royaume kingdom; pays country; état state; ville town city; village village; loi law; droit right law; devoir duty;
liberté freedom liberty; égalité equality; pouvoir power; puissance power; parlement parliament; gouvernement government; impôt tax; vote vote; élection election;
citoyen citizen; siège siege seat; chute fall; révolte revolt uprising; émeute riot; grève strike; syndicat union; procès trial; crime crime; prison prison;
argent money silver; or gold; fer iron; cuivre copper; étain tin; plomb lead; acier steel; charbon coal; pétrole oil; verre glass; bois wood; laine wool; coton cotton;
soie silk; tissu cloth fabric tissue; prix price; coût cost; valeur value; dette debt; prêt loan; banque bank; monnaie money currency coin; billet note ticket;
marché market; entreprise firm company business; usine factory plant; salaire wage salary; travail work job; métier trade craft; chômage unemployment; bénéfice profit benefit;
offre supply offer; demande demand; commerce trade; richesse wealth; riche rich; pauvre poor; hausse rise increase; baisse fall decrease; croissance growth;
maison house home; mur wall; porte door gate; fenêtre window; toit roof; pont bridge; route road; rue street; chemin way path; port harbour port; navire ship; bateau boat ship;
voiture car; roue wheel; moteur engine motor; machine machine engine; vapeur steam vapour vapor; outil tool; horloge clock; livre book pound; lettre letter; mot word; phrase sentence;
papier paper; imprimerie printing press; journal newspaper diary; dessin drawing; peinture painting; tableau painting table; oeuvre work; poème poem; chanson song;
école school; cours course lesson; nombre number; chiffre digit figure; calcul calculation; somme sum; égal equal; moitié half; tiers third; quart quarter;
grand big large great tall; petit small little; haut high; bas low; long long; court short; large wide broad; étroit narrow; profond deep; lourd heavy; léger light;
rapide fast quick; lent slow; fort strong; faible weak; vieux old; ancien old ancient former; nouveau new; jeune young; premier first; dernier last; meilleur best better; pire worst worse;
vide empty vacuum; plein full; dur hard; mou soft; lisse smooth; sec dry; humide wet damp; propre clean; sale dirty; droit straight right; gauche left; sombre dark; clair clear light;
vrai true; faux false wrong; sûr safe sure; dangereux dangerous; libre free; égaux equal; utile useful; rare rare scarce; cher expensive dear;
naître born; mourir die died; mort died; vivre live; tuer kill; assassiner murder assassinate; abattre shot; manger eat; boire drink; dormir sleep; sommeil sleep; marcher walk; courir run; voler fly steal;
nager swim; tomber fall; monter rise climb; grandir grow; pousser push grow; tirer pull shoot draw; porter carry wear; tenir hold; prendre take; donner give; envoyer send; recevoir receive;
vendre sell sold; acheter buy bought; payer pay paid; gagner win earn gain; perdre lose lost; trouver find found; chercher search seek; découvrir discover found; inventer invent; invention invention;
créer create make; fabriquer make manufacture; construire build built; bâtir build built; détruire destroy; casser break broken; brûler burn burnt; couper cut; coudre sew; tisser weave; ouvrir open; fermer close shut;
commencer begin start began; finir finish end; durer last; changer change; devenir become; rester remain stay; croître grow; diviser divide split; unir unite join; mélanger mix; séparer separate;
penser think; croire believe; savoir know; connaître know; apprendre learn; enseigner teach taught; lire read; écrire write written wrote; parler speak talk; dire say tell said; montrer show; indiquer indicate show tell; appeler call;
nommer name; entendre hear; voir see seen; sentir feel smell; toucher touch; aider help; protéger protect; soigner treat heal cure; guérir cure heal; empêcher prevent; permettre allow; interdire forbid ban;
vaincre defeat; battre beat; attaquer attack; défendre defend; fuir flee; envahir invade; conquérir conquer; régner reign rule; gouverner govern rule; élire elect; couronner crown; signer sign;
mesurer measure; peser weigh; poids weight; masse mass; force force strength; taille size height; longueur length; hauteur height; largeur width; profondeur depth; surface surface area; aire area;
température temperature; pression pressure; énergie energy; courant current; tension voltage tension; pile battery; aimant magnet; fil wire thread; charge charge; noyau nucleus core; atome atom; lien bond link;
gène gene; hérédité heredity inheritance; héritage inheritance legacy; espèce species; évolution evolution; croisement cross; mère mother; adn dna; arn rna; sida aids; vih hiv; oms who; onu un; sdn league;
moyen average mean means; environ about; presque almost nearly; seul only alone; ensemble together; souvent often; toujours always; loin far; près near; dedans inside; dehors outside; dessous below; dessus above;
cause cause; raison reason; but goal aim purpose; effet effect; moyen means; exemple example; règle rule; preuve proof evidence; idée idea; erreur error mistake; question question; réponse answer; sens meaning sense direction;
nom name; genre kind gender; sorte kind sort; partie part; pièce coin piece room play; morceau piece; reste rest; début start; bord edge shore; milieu middle environment; centre centre center; côté side; fond bottom; sommet top summit peak;
retrait withdrawal; retraite retreat pension; victime victim; témoin witness; récit story tale; histoire history story; conte tale; rêve dream; peur fear; joie joy; colère anger; amour love; haine hate; jeu game play; fête feast party;
chasse hunt; pêche fishing; élevage breeding; culture culture crop; mine mine; chemin de fer railway; avion plane aircraft; fusée rocket; ordinateur computer; logiciel software; réseau network; donnée data; programme program
"""


def _read(pairs: str) -> dict[str, tuple[str, ...]]:
    """Each stem with its translations in either language."""
    found = defaultdict[str, dict[str, None]](dict)
    for entry in pairs.replace("\n", " ").split(";"):
        french, *english = (stem(fold(word)) for word in entry.split())
        for word in english:
            found[french][word] = None
            found[word][french] = None
    return {word: tuple(others) for word, others in found.items()}


_TRANSLATIONS = _read(_PAIRS)


def translations(word: str) -> tuple[str, ...]:
    """The stems of the words in the other language that a stem may stand for."""
    return _TRANSLATIONS.get(word, ())
