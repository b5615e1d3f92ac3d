"""The texts of errors in English and French. A test checks that every code has both.

`title` is short; `detail` says what to do. `{name}` is replaced with a parameter of the problem.
"""

from typing import NamedTuple

from shared.domain.errors import Param, Problem
from shared.domain.field_messages import FIELD_MESSAGES, WORDS


class Message(NamedTuple):
    title: str
    detail: str


DEFAULT_LANGUAGE = "en"

MESSAGES: dict[str, dict[str, Message]] = {
    "en": {
        "internal_error": Message(
            "Something went wrong",
            "The error is on our side. Please try again. If it happens again, send us the request id.",
        ),
        "invalid_request": Message(
            "The request is not valid", "Check the request against the API description."
        ),
        "invalid_fields": Message(
            "Some fields are not valid",
            "See `errors`: each entry points at one field and says what is wrong with it.",
        ),
        "malformed_json": Message(
            "The body is not JSON", "Send one well-formed JSON object, encoded as UTF-8."
        ),
        "invalid_encoding": Message("The text is not UTF-8", "Save the text as UTF-8 and send it again."),
        "too_deep": Message(
            "The JSON is nested too deeply", "Send a flat object, as in the API description."
        ),
        "too_large": Message("The body is too large", "Send at most {limit} bytes; split longer documents."),
        "unsupported_media_type": Message(
            "This content type is not accepted",
            "Send `application/json`, or `multipart/form-data` where a file is taken.",
        ),
        "unsupported_encoding": Message(
            "Compressed bodies are not accepted", "Send the body as it is, without `Content-Encoding`."
        ),
        "head_too_large": Message(
            "The head of the request is too large",
            "Send at most {limit} bytes of address and headers, and at most 100 headers.",
        ),
        "request_timed_out": Message(
            "The request took too long to arrive", "Check your connection, and send it again."
        ),
        "unsupported_document": Message(
            "This kind of document cannot be read",
            "Send PDF, DOCX, PPTX, ODT, ODP, RTF, EPUB, HTML, Markdown, plain text, CSV, subtitles (SRT, VTT) or a notebook (IPYNB).",
        ),
        "broken_document": Message(
            "This document is damaged",
            "Open it in the program that made it, save it again, and send the new file.",
        ),
        "locked_document": Message(
            "This document needs a password", "Save a copy without a password, and send that."
        ),
        "scanned_document": Message(
            "The pages hold no text",
            "They are pictures, such as a scan. Run a text recognition (OCR) on the document, and send the result.",
        ),
        "text_too_long": Message(
            "The text of this document is too long",
            "Your plan allows {limit} bytes of text in one document. Send it in parts, or take a larger plan.",
        ),
        "too_many_pages": Message(
            "This document has too many pages",
            "Your plan allows {limit} pages in one document. Send it in parts, or take a larger plan.",
        ),
        "document_too_complex": Message(
            "This document takes too long to read",
            "Save it as plain text or as a new PDF, or send a part of it.",
        ),
        "empty_text": Message("The text is empty", "Send a text with at least one sentence."),
        "invalid_idempotency_key": Message(
            "The Idempotency-Key is not valid", "Use 1 to 255 visible ASCII characters."
        ),
        "idempotency_conflict": Message(
            "This Idempotency-Key was used with another body", "Use a new key for a new request."
        ),
        "not_authenticated": Message(
            "You are not signed in", "Send a valid token in the Authorization header."
        ),
        "not_found": Message(
            "Not found", "Check the address. There is nothing here, or it belongs to somebody else."
        ),
        "method_not_allowed": Message(
            "This method is not allowed here", "See the `Allow` header for the methods that are."
        ),
        "model_not_allowed": Message(
            "Your plan does not allow this model",
            "Leave `model` out, or name one that your plan allows: {allowed}.",
        ),
        "precondition_required": Message(
            "The request does not say what it changes",
            "Send the `ETag` of the collection that you have seen as `If-Match`.",
        ),
        "precondition_failed": Message(
            "The collection has changed meanwhile",
            "Fetch it again, look at what changed, and repeat your change with its new `ETag`.",
        ),
        "collection_full": Message(
            "The collection is full",
            "It may have {limit} cards and {limit} questions. Delete some, or make another collection.",
        ),
        "not_ready": Message(
            "The collection is not ready", "Wait until its status is `ready`, then try again."
        ),
        "limit_reached": Message(
            "A limit of your plan is reached", "Wait until it resets, or take a larger plan."
        ),
        "budget_exceeded": Message(
            "Your token budget does not cover this",
            "This needs up to {needed} tokens and {left} are left for this {window}. The budget resets at {resets_at}.",
        ),
        "too_large_for_plan": Message(
            "This is too large for your plan",
            "This needs up to {needed} tokens, and your plan allows {limit} in a {window}, so waiting does not help. A text of up to {characters} characters fits; or ask for fewer items, or take a larger plan.",
        ),
        "too_many_items": Message(
            "These are too many items for your plan",
            "Your plan allows up to {limit} cards and {limit} questions at a time. Ask for fewer, split the text, or take a larger plan.",
        ),
        "rate_limited": Message(
            "Too many requests", "Your plan allows {limit} requests a minute. Try again shortly."
        ),
        "too_many_requests": Message(
            "Too many requests of any kind",
            "You may send {limit} requests a minute, refused ones included. Wait as long as `Retry-After` says;"
            " follow `/api/events` in place of polling.",
        ),
        "too_many_failures": Message(
            "Too many requests without a valid token",
            "Check the token, and wait as long as `Retry-After` says before you try again.",
        ),
        "too_many_uploads": Message(
            "Too many uploads at once", "Wait until one of your {limit} uploads has arrived."
        ),
        "too_many_streams": Message(
            "Too many event streams",
            "You have {limit} event streams open, as many as your plan allows. Close one: a single stream tells of all your jobs.",
        ),
        "too_much_reading": Message(
            "Your documents take too long to read",
            "They took {limit} seconds of computing in this minute. Wait for the next minute, or send simpler files.",
        ),
        "too_many_jobs": Message(
            "Too many unfinished jobs",
            "Your plan allows {limit} unfinished jobs. Wait for one to finish, or cancel one.",
        ),
        "unavailable": Message(
            "Temporarily unavailable", "Nothing was accepted or charged. Please try again in a moment."
        ),
        "too_many_connections": Message(
            "Too many open connections", "Close connections that you do not need, and try again in a moment."
        ),
        "overloaded": Message("We are very busy", "Nothing was accepted or charged. Please try again later."),
        "streams_exhausted": Message(
            "No event stream is free",
            "We keep as many event streams open as we can. Please try again in a moment, or ask for your jobs instead.",
        ),
        "store_unavailable": Message(
            "Temporarily unavailable",
            "A database does not respond. Nothing was accepted or charged. Please try again in a moment.",
        ),
        "not_confirmed": Message(
            "Accepted, but not confirmed",
            "Your request was accepted as job {job} and will probably run, but we could not confirm in time that it was stored. "
            "Send it again with the same Idempotency-Key: it will not run twice. If you sent no key, look at your jobs first.",
        ),
        "chat_unavailable": Message(
            "The chat is temporarily unavailable", "Nothing was charged. Please try again in a moment."
        ),
        "job_failed": Message(
            "The job failed", "Please try again. Tokens that were not used went back to your budget."
        ),
        "no_usable_text": Message(
            "No usable sentence was found",
            "The text contains no complete sentence to make study material from. Send a text of at least a few sentences.",
        ),
        "nothing_new": Message(
            "Nothing new was found",
            "Your collections ask everything that was found in this text. Choose another part of it, ask for more items, or leave `known` out.",
        ),
        "attempt_timed_out": Message(
            "It took too long", "The work did not finish within {limit} seconds. Try a shorter text."
        ),
        "worker_crashed": Message(
            "The work was interrupted too often",
            "It was started {crashes} times and never finished. We keep it to find the cause. Please try another text.",
        ),
        "hold_spent": Message(
            "It cost more than planned",
            "The text generator returned too many unusable results, so we stopped before they cost more of your budget. Please try again later.",
        ),
        "handed_back": Message("Moved to another worker", "The work goes on elsewhere; nothing is lost."),
        "unknown_wire": Message("Waiting for an upgrade", "The work waits for a worker of a newer release."),
        "unreadable_record": Message(
            "The stored request is damaged", "It cannot be continued. Please submit it again."
        ),
        "lease_lost": Message("Moved to another worker", "The work goes on elsewhere; nothing is lost."),
        "provider_error": Message("The text generator failed", "Please try again later."),
        "provider_busy": Message(
            "The text generator is busy", "It accepts no more work now. Please try again later."
        ),
        "provider_unavailable": Message("The text generator is not reachable", "Please try again later."),
        "provider_timed_out": Message(
            "The text generator took too long", "Please try again, or send a shorter text."
        ),
        "provider_garbled": Message("The text generator returned an unusable result", "Please try again."),
        "provider_out_of_credit": Message(
            "The text generator is not available", "The operator has been told. Please try again later."
        ),
        "provider_refused": Message(
            "The text generator declined this text",
            "It may contain a subject that the generator does not write about. Try another text.",
        ),
        "language_needs_model": Message(
            "This language needs a language model",
            "Without a model, material is made in French and English only, and this text is in another language. Your text is fine:"
            " whoever runs this service can configure a model.",
        ),
        "context_too_long": Message(
            "The text is too long for the text generator",
            "Send a shorter text, or create a collection from it.",
        ),
        "provider_rejected": Message(
            "The text generator did not accept this request",
            "Try a shorter text, or another one.",
        ),
        "provider_misconfigured": Message(
            "The text generator is not available", "The operator has been told. Please try again later."
        ),
    },
    "fr": {
        "internal_error": Message(
            "Une erreur est survenue",
            "L’erreur vient de chez nous. Réessayez ; si elle se reproduit, communiquez-nous l’identifiant de la requête.",
        ),
        "invalid_request": Message(
            "La requête n’est pas valide", "Vérifiez la requête d’après la description de l’API."
        ),
        "invalid_fields": Message(
            "Certains champs ne sont pas valides",
            "Voir `errors` : chaque entrée désigne un champ et dit ce qui ne va pas.",
        ),
        "malformed_json": Message(
            "Le corps n’est pas du JSON", "Envoyez un objet JSON bien formé, encodé en UTF-8."
        ),
        "invalid_encoding": Message(
            "Le texte n’est pas en UTF-8", "Enregistrez le texte en UTF-8 et renvoyez-le."
        ),
        "too_deep": Message(
            "Le JSON est trop imbriqué", "Envoyez un objet plat, comme dans la description de l’API."
        ),
        "too_large": Message(
            "Le corps est trop volumineux",
            "Envoyez au plus {limit} octets ; découpez les documents plus longs.",
        ),
        "unsupported_media_type": Message(
            "Ce type de contenu n’est pas accepté",
            "Envoyez `application/json`, ou `multipart/form-data` là où un fichier est accepté.",
        ),
        "unsupported_encoding": Message(
            "Les corps compressés ne sont pas acceptés",
            "Envoyez le corps tel quel, sans `Content-Encoding`.",
        ),
        "head_too_large": Message(
            "L’en-tête de la requête est trop volumineux",
            "Envoyez au plus {limit} octets d’adresse et d’en-têtes, et au plus 100 en-têtes.",
        ),
        "request_timed_out": Message(
            "La requête a mis trop de temps à arriver", "Vérifiez votre connexion, et renvoyez-la."
        ),
        "unsupported_document": Message(
            "Ce genre de document n’est pas pris en charge",
            "Envoyez un PDF, DOCX, PPTX, ODT, ODP, RTF, EPUB, HTML, Markdown, texte brut, CSV, des sous-titres (SRT, VTT) ou un carnet (IPYNB).",
        ),
        "broken_document": Message(
            "Ce document est endommagé",
            "Ouvrez-le dans le logiciel qui l’a produit, enregistrez-le à nouveau et envoyez le nouveau fichier.",
        ),
        "locked_document": Message(
            "Ce document demande un mot de passe", "Enregistrez-en une copie sans mot de passe et envoyez-la."
        ),
        "scanned_document": Message(
            "Les pages ne contiennent pas de texte",
            "Ce sont des images, par exemple un scan. Passez le document à la reconnaissance de texte (OCR) et envoyez le résultat.",
        ),
        "text_too_long": Message(
            "Le texte de ce document est trop long",
            "Votre offre permet {limit} octets de texte par document. Envoyez-le en plusieurs parties, ou prenez une offre supérieure.",
        ),
        "too_many_pages": Message(
            "Ce document a trop de pages",
            "Votre offre permet {limit} pages par document. Envoyez-le en plusieurs parties, ou prenez une offre supérieure.",
        ),
        "document_too_complex": Message(
            "Ce document est trop long à lire",
            "Enregistrez-le en texte brut ou dans un nouveau PDF, ou envoyez-en une partie.",
        ),
        "empty_text": Message("Le texte est vide", "Envoyez un texte d’au moins une phrase."),
        "invalid_idempotency_key": Message(
            "L’Idempotency-Key n’est pas valide", "Utilisez de 1 à 255 caractères ASCII visibles."
        ),
        "idempotency_conflict": Message(
            "Cette Idempotency-Key a servi avec un autre corps",
            "Utilisez une nouvelle clé pour une nouvelle requête.",
        ),
        "not_authenticated": Message(
            "Vous n’êtes pas connecté", "Envoyez un jeton valide dans l’en-tête Authorization."
        ),
        "not_found": Message(
            "Introuvable", "Vérifiez l’adresse. Il n’y a rien ici, ou cela appartient à quelqu’un d’autre."
        ),
        "method_not_allowed": Message(
            "Cette méthode n’est pas permise ici", "L’en-tête `Allow` donne les méthodes permises."
        ),
        "model_not_allowed": Message(
            "Votre formule ne permet pas ce modèle",
            "Omettez `model`, ou nommez un modèle que votre formule permet : {allowed}.",
        ),
        "precondition_required": Message(
            "La requête ne dit pas ce qu’elle modifie",
            "Envoyez dans `If-Match` l’`ETag` de la collection que vous avez vue.",
        ),
        "precondition_failed": Message(
            "La collection a changé entre-temps",
            "Rechargez-la, voyez ce qui a changé, puis refaites votre modification avec son nouvel `ETag`.",
        ),
        "collection_full": Message(
            "La collection est pleine",
            "Elle peut avoir {limit} cartes et {limit} questions. Supprimez-en, ou créez une autre collection.",
        ),
        "not_ready": Message(
            "La collection n’est pas prête", "Attendez que son statut soit `ready`, puis réessayez."
        ),
        "limit_reached": Message(
            "Une limite de votre offre est atteinte",
            "Attendez sa remise à zéro, ou prenez une offre supérieure.",
        ),
        "budget_exceeded": Message(
            "Votre budget de jetons ne suffit pas",
            "Il faut jusqu’à {needed} jetons et il en reste {left} pour la période « {window} ». Le budget est remis à zéro à {resets_at}.",
        ),
        "too_large_for_plan": Message(
            "C’est trop grand pour votre offre",
            "Il faut jusqu’à {needed} jetons et votre offre en permet {limit} pour la période « {window} » : attendre n’y change rien. Un texte d’au plus {characters} caractères convient ; ou demandez moins d’éléments, ou prenez une offre supérieure.",
        ),
        "too_many_items": Message(
            "C’est trop d’éléments pour votre offre",
            "Votre offre permet jusqu’à {limit} cartes et {limit} questions à la fois. Demandez-en moins, divisez le texte ou prenez une offre supérieure.",
        ),
        "rate_limited": Message(
            "Trop de requêtes", "Votre offre permet {limit} requêtes par minute. Réessayez dans un instant."
        ),
        "too_many_requests": Message(
            "Trop de requêtes de toute sorte",
            "Vous pouvez envoyer {limit} requêtes par minute, y compris celles qui sont refusées. Attendez le temps indiqué par"
            " `Retry-After` ; suivez `/api/events` plutôt que d’interroger.",
        ),
        "too_many_failures": Message(
            "Trop de requêtes sans jeton valide",
            "Vérifiez le jeton, et attendez le temps indiqué par `Retry-After` avant de réessayer.",
        ),
        "too_many_uploads": Message(
            "Trop d’envois à la fois", "Attendez que l’un de vos {limit} envois soit arrivé."
        ),
        "too_many_streams": Message(
            "Trop de flux d’événements",
            "Vous avez {limit} flux d’événements ouverts, autant que votre offre en permet. Fermez-en un : un seul flux annonce tous vos travaux.",
        ),
        "too_much_reading": Message(
            "Vos documents sont trop longs à lire",
            "Ils ont demandé {limit} secondes de calcul pendant cette minute. Attendez la minute suivante, ou envoyez des fichiers plus simples.",
        ),
        "too_many_jobs": Message(
            "Trop de travaux inachevés",
            "Votre offre permet {limit} travaux inachevés. Attendez la fin de l’un d’eux, ou annulez-en un.",
        ),
        "unavailable": Message(
            "Momentanément indisponible", "Rien n’a été accepté ni facturé. Réessayez dans un instant."
        ),
        "too_many_connections": Message(
            "Trop de connexions ouvertes",
            "Fermez les connexions dont vous n’avez pas besoin, et réessayez dans un instant.",
        ),
        "overloaded": Message(
            "Nous sommes très sollicités", "Rien n’a été accepté ni facturé. Réessayez plus tard."
        ),
        "streams_exhausted": Message(
            "Aucun flux d’événements n’est libre",
            "Nous tenons ouverts autant de flux d’événements que possible. Réessayez dans un instant, ou interrogez vos travaux.",
        ),
        "store_unavailable": Message(
            "Momentanément indisponible",
            "Une base de données ne répond pas. Rien n’a été accepté ni facturé. Réessayez dans un instant.",
        ),
        "not_confirmed": Message(
            "Accepté, mais pas confirmé",
            "Votre demande a été acceptée (travail {job}) et sera sans doute traitée, mais son enregistrement n’a pas pu être "
            "confirmé à temps. Renvoyez-la avec la même Idempotency-Key : elle ne sera pas traitée deux fois. Si vous n’aviez "
            "pas envoyé de clé, regardez d’abord vos travaux.",
        ),
        "chat_unavailable": Message(
            "Le chat est momentanément indisponible", "Rien n’a été facturé. Réessayez dans un instant."
        ),
        "job_failed": Message(
            "Le travail a échoué", "Réessayez. Les jetons non utilisés sont revenus à votre budget."
        ),
        "no_usable_text": Message(
            "Aucune phrase exploitable",
            "Le texte ne contient aucune phrase complète dont tirer du matériel d’étude. Envoyez un texte de quelques phrases au moins.",
        ),
        "nothing_new": Message(
            "Rien de nouveau",
            "Vos collections posent déjà tout ce qui a été trouvé dans ce texte. Choisissez-en une autre partie, demandez plus d’éléments, ou retirez `known`.",
        ),
        "attempt_timed_out": Message(
            "Cela a pris trop de temps",
            "Le travail ne s’est pas terminé en {limit} secondes. Essayez un texte plus court.",
        ),
        "worker_crashed": Message(
            "Le travail a été interrompu trop souvent",
            "Il a été commencé {crashes} fois sans jamais aboutir. Nous le gardons pour en chercher la cause. Essayez un autre texte.",
        ),
        "hold_spent": Message(
            "Cela a coûté plus que prévu",
            "Le générateur de texte a donné trop de résultats inexploitables : nous avons arrêté avant qu’ils ne coûtent davantage à votre budget. Réessayez plus tard.",
        ),
        "handed_back": Message(
            "Confié à un autre processus", "Le travail continue ailleurs ; rien n’est perdu."
        ),
        "unknown_wire": Message(
            "En attente d’une mise à jour", "Le travail attend un processus d’une version plus récente."
        ),
        "unreadable_record": Message(
            "La demande enregistrée est abîmée", "Elle ne peut pas être poursuivie. Envoyez-la de nouveau."
        ),
        "lease_lost": Message(
            "Confié à un autre processus", "Le travail continue ailleurs ; rien n’est perdu."
        ),
        "provider_error": Message("Le générateur de texte a échoué", "Réessayez plus tard."),
        "provider_busy": Message(
            "Le générateur de texte est occupé",
            "Il n’accepte plus de travail pour l’instant. Réessayez plus tard.",
        ),
        "provider_unavailable": Message("Le générateur de texte est injoignable", "Réessayez plus tard."),
        "provider_timed_out": Message(
            "Le générateur de texte a mis trop de temps", "Réessayez, ou envoyez un texte plus court."
        ),
        "provider_garbled": Message("Le générateur de texte a donné un résultat inexploitable", "Réessayez."),
        "provider_out_of_credit": Message(
            "Le générateur de texte n’est pas disponible", "L’exploitant est prévenu. Réessayez plus tard."
        ),
        "provider_refused": Message(
            "Le générateur de texte a décliné ce texte",
            "Il touche peut-être à un sujet qu’il ne traite pas. Essayez un autre texte.",
        ),
        "language_needs_model": Message(
            "Cette langue demande un modèle de langage",
            "Sans modèle, seuls le français et l’anglais sont possibles, et ce texte est dans une autre langue. Votre texte n’est pas"
            " en cause : qui exploite ce service peut configurer un modèle.",
        ),
        "context_too_long": Message(
            "Le texte est trop long pour le générateur",
            "Envoyez un texte plus court, ou créez une collection.",
        ),
        "provider_rejected": Message(
            "Le générateur de texte n’a pas accepté cette demande",
            "Essayez un texte plus court, ou un autre.",
        ),
        "provider_misconfigured": Message(
            "Le générateur de texte n’est pas disponible", "L’exploitant est prévenu. Réessayez plus tard."
        ),
    },
}


def localize(problem: Problem, language: str) -> Message:
    """Title and detail in the reader's language, or in English if there is no text in it."""
    catalogue = MESSAGES.get(language, MESSAGES[DEFAULT_LANGUAGE])
    message = catalogue.get(problem.code, catalogue["internal_error"])
    return Message(message.title, _fill(message.detail, problem.params, language))


def localize_field(code: str, params: dict[str, Param], language: str) -> str:
    return _fill(FIELD_MESSAGES.get(language, FIELD_MESSAGES[DEFAULT_LANGUAGE])[code], params, language)


def _fill(text: str, params: dict[str, Param], language: str) -> str:
    words = WORDS.get(language, WORDS[DEFAULT_LANGUAGE])
    for name, value in params.items():
        text = text.replace("{" + name + "}", words.get(str(value), str(value)))
    return text
