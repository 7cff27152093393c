"""`python -m config.serve DOOR`: one door on an event loop, in as many processes as it is given.

The application is loaded and checked once, then the process forks: memory is shared, and a wrong
door starts not at all.
"""

from __future__ import annotations

import logging
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

log = logging.getLogger("holdfast.door")
_SPARE_FILES = 200  # database, vault, libraries
_TOO_SOON = 1.0


def main(door: str) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    application = _application(door)
    from django.conf import settings
    from django.db import connections

    connections.close_all()  # no process may share another's
    with socket.create_server(
        (settings.LISTEN_HOST, settings.LISTEN_PORT), backlog=2048
    ) as listening:

        def serve() -> None:
            _serve(application(), listening, door)

        if settings.PROCESSES == 1:
            serve()
            return 0
        return _in_processes(settings.PROCESSES, serve)


def _application(door: str) -> Callable[[], Any]:
    """What makes the ASGI application in each process. Everything is imported, and the checks
    have passed, when this returns."""
    if door == "upload":
        from config.asgi import application

        return lambda: application
    from django.conf import settings

    from config.whole import ReadWhole
    from config.wsgi import application as wsgi

    return lambda: ReadWhole(
        wsgi, limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE, threads=settings.DJANGO_THREADS
    )


def _serve(application: Any, listening: socket.socket, door: str) -> None:
    import uvicorn

    from config.connections import OPEN_AT_ONCE, Connection

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = (
        min(hard, OPEN_AT_ONCE + _SPARE_FILES) if hard != resource.RLIM_INFINITY else OPEN_AT_ONCE
    )
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    Connection.open_at_once = min(OPEN_AT_ONCE, max(50, files - _SPARE_FILES))
    Connection.closes_slow_bodies = door != "upload"
    config = uvicorn.Config(
        application,
        http=Connection,
        loop="uvloop",
        lifespan="off",
        ws="none",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,  # ours, which knows what may be written
        timeout_graceful_shutdown=5,
    )
    uvicorn.Server(config).run(sockets=[listening])


def _in_processes(count: int, serve: Callable[[], None]) -> int:
    children: dict[int, float] = {}
    stopping = False

    def stop(signum: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        for child in children:
            os.kill(child, signal.SIGTERM)

    both = (signal.SIGTERM, signal.SIGINT)
    for signum in both:
        signal.signal(signum, stop)
    while True:
        # Not between fork and list: the signal would miss the child.
        signal.pthread_sigmask(signal.SIG_BLOCK, both)
        while len(children) < count and not stopping:
            children[_fork(serve, both)] = time.monotonic()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, both)
        if not children:
            return 0
        ended, _status = os.wait()
        started = children.pop(ended)
        if not stopping:
            log.error("a process of this door ended and is started again")
            time.sleep(max(0.0, _TOO_SOON - (time.monotonic() - started)))


def _fork(serve: Callable[[], None], blocked: tuple[signal.Signals, ...]) -> int:
    if child := os.fork():
        return child
    status = 1
    try:
        for signum in blocked:
            signal.signal(signum, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)
        serve()
        status = 0
    except Exception:
        log.exception("a process of this door could not run")
    finally:
        os._exit(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
