"""Imports files into a new collection of Anki, one after the other, and prints what each import did and the notes at the end.

It runs in an environment of its own: python anki_import.py LANGUAGE FOLDER FILE...
"""

# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false
# ruff: noqa: T201 - its output is its result

import json
import sys
from pathlib import Path

import anki.lang
from anki.collection import Collection, ImportAnkiPackageRequest, ImportCsvRequest


def main(language: str, folder: str, *files: str) -> None:
    anki.lang.set_lang(language)
    collection = Collection(str(Path(folder) / "collection.anki2"))
    imports = [_import(collection, file) for file in files]
    notes = [collection.get_note(note_id) for note_id in collection.find_notes("")]
    found = [
        {
            "guid": note.guid,
            "type": note.note_type()["name"],
            "fields": note.fields,
            "tags": note.tags,
            "front": note.cards()[0].question(),
            "back": note.cards()[0].answer(),
        }
        for note in notes
    ]
    decks = [deck.name for deck in collection.decks.all_names_and_ids()]
    print(json.dumps({"imports": imports, "notes": found, "decks": decks}))
    collection.close()


def _import(collection: Collection, file: str) -> dict[str, int]:
    if file.endswith(".apkg"):
        options = collection._backend.get_import_anki_package_presets()
        request = ImportAnkiPackageRequest(package_path=file, options=options)
        log = collection.import_anki_package(request).log
    else:
        metadata = collection.get_csv_metadata(path=file, delimiter=None)
        log = collection.import_csv(ImportCsvRequest(path=file, metadata=metadata)).log
    return {
        name: len(getattr(log, name))
        for name in ("new", "updated", "duplicate", "conflicting", "empty_first_field")
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
