"""The server: on this machine alone, with a link for each assistant."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path

from grader.batch.classes import load_classes
from grader.batch.store import Store
from grader.batch.unit import load_job_course
from grader.errors import InfrastructureError

HOST = "127.0.0.1"
MISSING = "reviewing in the browser needs the extra review (in a clone: pip install -e '.[review]')"


def serve(out: Path, who: Sequence[str], *, port: int, names: bool, browse: bool, tell: Callable[[str], None]) -> None:
    """Serve until interrupted. ``tell`` is given the links. Marks of all that was decided are made before this returns.

    Raises InfrastructureError where the extra is absent or the port taken, NothingFoundError where nothing was graded.
    """
    try:
        import uvicorn

        from grader.review.app import build_app
        from grader.review.card import read_rubric_parts
        from grader.review.guard import Doors
        from grader.review.queue import Queue
    except ImportError as error:
        raise InfrastructureError(f"{MISSING} ({error})") from None
    course = load_job_course(load_classes(Store(out))[0].job)
    queue, doors = Queue(out, tell), Doors()
    for problem in queue.moderation.problems:
        tell(f"note: {problem}")
    with contextlib.closing(_bind(port)) as listener:
        address = f"{HOST}:{listener.getsockname()[1]}"
        hosts = frozenset({address, f"localhost:{listener.getsockname()[1]}"})
        app = build_app(queue, doors, course, read_rubric_parts(course.rubric_path), hosts=hosts, names=names)
        progress = queue.progress()
        tell(f"{progress.waiting} answers wait in {progress.groups} groups.")

        def offer() -> str:
            links = [(name, f"http://{address}/enter/{doors.make_link(name)}") for name in who]
            for name, link in links:
                tell(f"{name}: {link}")
            return links[0][1]

        first = offer()
        tell("Each link opens once. Enter prints new ones; Ctrl+C ends, and marks are made of what was decided.")
        if browse:
            webbrowser.open(first)
        if sys.stdin is not None and sys.stdin.isatty():
            threading.Thread(target=_offer_again, args=(offer,), daemon=True).start()
        app.state.office.marker.start()
        config = uvicorn.Config(
            app, log_level="error", access_log=False, server_header=False, timeout_graceful_shutdown=5
        )
        try:
            uvicorn.Server(config).run(sockets=[listener])
        except KeyboardInterrupt:
            pass
        finally:
            tell("making marks of what was decided")
            app.state.office.marker.stop()
    if trouble := app.state.office.marker.trouble:
        tell(f"Decisions are kept, but marks could not be made anew: {trouble}")


def _bind(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)  # whoever is quicker with a link than the server is waits
    except OSError as error:
        listener.close()
        raise InfrastructureError(f"cannot listen on port {port}: {error.strerror} (take another --port)") from None
    return listener


def _offer_again(offer: Callable[[], str]) -> None:
    for _ in sys.stdin:
        offer()
