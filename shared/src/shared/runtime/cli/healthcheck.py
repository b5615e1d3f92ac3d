"""The health check of a container, whose image holds no other HTTP client.

`python -m shared.runtime.cli.healthcheck 8000 /readyz` exits with 0 if the local port answers that path with 200.
"""

import http.client
import sys

TIMEOUT_SECONDS = 3.0
"""Below the timeout of the container's own health check."""


def is_healthy(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main() -> None:
    port, path = sys.argv[1:]
    sys.exit(not is_healthy(int(port), path))


if __name__ == "__main__":
    main()
