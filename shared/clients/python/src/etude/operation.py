"""Operations of the API as methods of both clients, each written once."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from functools import wraps
from typing import Generic, ParamSpec, Protocol, TypeVar, overload

from etude import api_requests as api
from etude.events import Event
from etude.request import Request
from etude.subscription import Subscription

P = ParamSpec("P")
T = TypeVar("T")


class Sync(Protocol):
    def send(self, request: Request[T], /) -> T: ...
    def listen(self, subscription: Subscription, /) -> Iterator[Event]: ...


class Async(Protocol):
    async def send(self, request: Request[T], /) -> T: ...
    def listen(self, subscription: Subscription, /) -> AsyncGenerator[Event]: ...


class Operation(Generic[P, T]):
    """A method that sends what `build` builds: it returns T on a `Client`, and an awaitable T on an `AsyncClient`."""

    def __init__(self, build: Callable[P, Request[T]]) -> None:
        self._build = build
        self.__doc__ = build.__doc__

    @overload
    def __get__(self, client: Sync, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: Async, owner: type) -> Callable[P, Awaitable[T]]: ...
    def __get__(self, client: Sync | Async, owner: type) -> Callable[P, T | Awaitable[T]]:
        @wraps(self._build)
        def call(*args: P.args, **kwargs: P.kwargs) -> T | Awaitable[T]:
            return client.send(self._build(*args, **kwargs))

        return call


class EventStream(Generic[P]):
    """A method that listens as `subscribe` says: an iterator of events on a `Client`, an asynchronous one on an `AsyncClient`."""

    def __init__(self, subscribe: Callable[P, Subscription]) -> None:
        self._subscribe = subscribe
        self.__doc__ = subscribe.__doc__

    @overload
    def __get__(self, client: Sync, owner: type) -> Callable[P, Iterator[Event]]: ...
    @overload
    def __get__(self, client: Async, owner: type) -> Callable[P, AsyncGenerator[Event]]: ...
    def __get__(
        self, client: Sync | Async, owner: type
    ) -> Callable[P, Iterator[Event] | AsyncGenerator[Event]]:
        @wraps(self._subscribe)
        def listen(*args: P.args, **kwargs: P.kwargs) -> Iterator[Event] | AsyncGenerator[Event]:
            return client.listen(self._subscribe(*args, **kwargs))

        return listen


class Operations:
    """What both clients can do; `etude.api_requests` describes each operation."""

    submit_job = Operation(api.submit_job)
    get_job = Operation(api.get_job)
    list_jobs = Operation(api.list_jobs)
    cancel_job = Operation(api.cancel_job)
    delete_job = Operation(api.delete_job)
    erase_me = Operation(api.erase_me)
    create_collection = Operation(api.create_collection)
    upload_collection = Operation(api.upload_collection)
    get_collection = Operation(api.get_collection)
    list_collections = Operation(api.list_collections)
    rename_collection = Operation(api.rename_collection)
    edit_item = Operation(api.edit_item)
    delete_item = Operation(api.delete_item)
    add_item = Operation(api.add_item)
    make_more_items = Operation(api.make_more_items)
    delete_collection = Operation(api.delete_collection)
    export_collection = Operation(api.export_collection)
    get_usage = Operation(api.get_usage)
    estimate_job = Operation(api.estimate_job)
    estimate_collection = Operation(api.estimate_collection)
    ask = Operation(api.ask)
    job_events = EventStream(api.job_events)
    collection_events = EventStream(api.collection_events)
    all_events = EventStream(api.all_events)
