"""The collection-worker makes a study collection from a document."""

from collection_worker.handlers import HANDLERS
from shared.domain.jobs.job import StreamName
from shared.runtime.worker.main import run_worker


def main() -> None:
    run_worker("collection-worker", StreamName.COLLECTION, HANDLERS)


if __name__ == "__main__":
    main()
