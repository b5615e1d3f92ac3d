"""`python -m shared.runtime.cli.healthcheck 8000 /readyz`: whether the process next to this one answers there with 200.

For health checks inside a container, whose image holds nothing else that speaks HTTP.
"""

import http.client
import sys

ANSWER_SECONDS = 3.0


def is_answering(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main() -> None:
    port, path = sys.argv[1:]
    sys.exit(not is_answering(int(port), path))


if __name__ == "__main__":
    main()
