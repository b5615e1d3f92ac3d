"""The handlers of the `collection` stream, by job kind."""

from collection_worker.handlers.collection import make_collection
from collection_worker.handlers.items import add_items
from shared.domain.generation.handler import Handler
from shared.domain.jobs.job import Kind

HANDLERS: dict[Kind, Handler] = {Kind.COLLECTION: make_collection, Kind.ITEMS: add_items}
