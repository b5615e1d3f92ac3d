"""The ai-worker makes one kind of study material from one text."""

from ai_worker.handlers import HANDLERS
from shared.domain.jobs.job import StreamName
from shared.runtime.worker.main import run_worker


def main() -> None:
    run_worker("ai-worker", StreamName.AI, HANDLERS)


if __name__ == "__main__":
    main()
