"""`python -m shared.runtime.cli.redis_rules [VERSION]` prints the user of each service and its rules, as `ACL SETUSER` takes them.
A server of that version knows all of them; without one, it is the latest."""

import sys

from shared.adapters.redis.acl import ACCESS, LATEST


def main() -> None:
    try:
        version = tuple(map(int, sys.argv[1].split("."))) if len(sys.argv) > 1 else LATEST
    except ValueError:
        sys.exit("usage: python -m shared.runtime.cli.redis_rules [VERSION], such as 7.2")
    for user, access in ACCESS.items():
        sys.stdout.write(f"{user} {access.write_rules(version)}\n")


if __name__ == "__main__":
    main()
