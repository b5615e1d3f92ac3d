"""The handlers of the `collection` stream, by job kind."""

from collection_worker.handlers.collection import make_collection
from shared.domain.generation.handler import Handler
from shared.domain.jobs.job import Kind

HANDLERS: dict[Kind, Handler] = {Kind.COLLECTION: make_collection}
