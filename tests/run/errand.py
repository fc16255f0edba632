"""What children of the tests' warm parents run: code that comes with the order."""


def run(payload: dict, fds: list[int]) -> None:
    exec(payload["code"], {"__name__": "__main__", "fds": fds})
