"""The texts about single fields of a body in English and French, and the words for parameters of any text."""

FIELD_MESSAGES: dict[str, dict[str, str]] = {
    "en": {
        "unknown_field": "There is no field of this name here.",
        "missing_field": "This field is required.",
        "wrong_type": "Expected {expected}.",
        "wrong_value": "Expected one of: {expected}.",
        "out_of_range": "Expected {expected}.",
        "too_many_values": "Expected at most {expected} values: no valid body has as many.",
        "nul_character": "NUL characters are not accepted.",
        "wrong_format": "Expected {expected}.",
        "not_distinct": "Two options say the same.",
        "not_one_right_option": "Exactly one option must be correct.",
        "not_with_item": "An item is made again alone: leave this field out.",
        "no_items": "At least one card or question must be asked for.",
        "quote_not_found": "The collection's text has no such passage.",
    },
    "fr": {
        "unknown_field": "Il n’y a pas de champ de ce nom ici.",
        "missing_field": "Ce champ est obligatoire.",
        "wrong_type": "Attendu : {expected}.",
        "wrong_value": "Attendu : l’une des valeurs {expected}.",
        "out_of_range": "Attendu : {expected}.",
        "too_many_values": "Attendu : au plus {expected} valeurs ; aucun corps valide n’en a autant.",
        "nul_character": "Les caractères NUL ne sont pas acceptés.",
        "wrong_format": "Attendu : {expected}.",
        "not_distinct": "Deux options disent la même chose.",
        "not_one_right_option": "Une option, et une seule, doit être juste.",
        "not_with_item": "Un élément est refait seul : omettez ce champ.",
        "no_items": "Il faut demander au moins une carte ou une question.",
        "quote_not_found": "Le texte de la collection ne contient pas ce passage.",
    },
}

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "object": "an object",
        "list": "a list",
        "text": "a text",
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "uuid": "a UUID",
        "language_tag": "a BCP 47 tag that names a language, such as fr or pt-BR (x-… and i-default name none)",
    },
    "fr": {
        "object": "un objet",
        "list": "une liste",
        "text": "un texte",
        "integer": "un nombre entier",
        "number": "un nombre",
        "boolean": "vrai ou faux (true, false)",
        "uuid": "un UUID",
        "language_tag": "une étiquette BCP 47 qui désigne une langue, comme fr ou pt-BR (x-… et i-default n’en désignent aucune)",
        "none": "aucun",
        "day": "jour",
        "month": "mois",
    },
}
"""Translations of parameter values; any other value is shown as it is."""
