"""What each kind of the `collection` stream is made by."""

from collection_worker.handlers.collection import make_collection
from shared.domain.job import Kind
from shared.domain.work import Handler

HANDLERS: dict[Kind, Handler] = {Kind.COLLECTION: make_collection}
