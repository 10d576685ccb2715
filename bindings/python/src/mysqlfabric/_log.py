"""Messages of the library, given to logging.getLogger("mysqlfabric") by one thread for all farms."""

from __future__ import annotations

import logging
import os
import select
import threading
import traceback

from . import _errors, _fabric

logger = logging.getLogger("mysqlfabric")
logger.addHandler(logging.NullHandler())

_LEVELS = {1: logging.ERROR, 2: logging.WARNING, 3: logging.INFO, 4: logging.DEBUG}
# How many seconds the end of the interpreter waits for handlers.
_PATIENCE = 5.0
_lock = threading.Lock()
_thread: threading.Thread | None = None


def start(level: int | str) -> int:
    """Has the thread run; the library's number for a level of logging, or its name."""
    global _thread
    number = logging.getLevelName(level.upper()) if isinstance(level, str) else level
    if isinstance(number, bool) or not isinstance(number, int):
        raise ValueError(f"log_level is a level of logging, such as logging.INFO, and not {level!r}")
    with _lock:
        if _thread is None:
            descriptor = _fabric.open_log()
            _thread = threading.Thread(target=_run, args=(descriptor,), name="mysqlfabric-log", daemon=True)
            _thread.start()
    return next((ours for ours, theirs in _LEVELS.items() if theirs <= number), 4)


def _deliver() -> bool:
    """Hands on what waits; whether more may come."""
    messages, lost, ended = _fabric.take_log()
    if lost:
        messages.insert(0, (2, f"{lost} messages of the library were lost, because more came than were taken"))
    for level, text in messages:
        try:
            logger.log(_LEVELS.get(level, logging.INFO), "%s", _errors.in_python(text))
        except Exception:
            # Of a filter or handler: that is no reason to end the log.
            if logging.raiseExceptions:
                traceback.print_exc()
    return not ended


def _run(descriptor: int) -> None:
    # Waited for with poll(), which gevent and the like know how to do without a thread.
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while True:
        poll.poll()
        if not _deliver():
            return


def stop() -> None:
    """At the interpreter's end, after the farms: hands on what is left."""
    _fabric.end_log()
    if _thread is not None:
        _thread.join(_PATIENCE)
        if _thread.is_alive():
            # A handler that takes its time would hold up the end of the process.
            return
    _deliver()


def _after_fork_in_child() -> None:
    global _thread, _lock
    _lock = threading.Lock()
    if _thread is not None:
        _thread = None
        start(logging.INFO)


os.register_at_fork(after_in_child=_after_fork_in_child)
