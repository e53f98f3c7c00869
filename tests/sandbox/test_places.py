"""The line in which jobs wait: in order, no more at once than there are places, and nobody behind a job that hangs."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from proctor.sandbox import local
from proctor.sandbox.base import ExecLimits, ExecStatus, Layer, PythonCall
from proctor.sandbox.places import Places
from tests.sandbox.layers import sandbox


def in_line(places: Places) -> int:
    return len(places._line)


def test_places_are_taken_in_the_order_of_asking() -> None:
    places, order, threads = Places(1), list[int](), list[threading.Thread]()
    held = places.take()

    def work(index: int) -> None:
        with places.take():
            order.append(index)

    for index in range(8):
        threads.append(threading.Thread(target=work, args=(index,)))
        threads[-1].start()
        while in_line(places) <= index:
            time.sleep(0.001)
    assert order == []
    held.give_up()
    with places.take():  # one that comes later cannot overtake
        assert order == list(range(8))
    for thread in threads:
        thread.join()


def test_no_more_run_at_once_than_there_are_places() -> None:
    places, running, most = Places(3), [0], [0]
    lock = threading.Lock()

    def work(_: int) -> None:
        with places.take():
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            time.sleep(0.002)
            with lock:
                running[0] -= 1

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(work, range(64)))
    assert most[0] == 3 and places._num_free == 3


def test_a_place_is_given_up_once() -> None:
    places = Places(2)
    with places.take() as place:
        place.give_up()
        assert place.until == math.inf and places._num_free == 2
    assert places._num_free == 2


def test_a_program_that_hangs_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    places, ended = Places(1), list[str]()
    monkeypatch.setattr(local, "_places", lambda: places)
    hanging = PythonCall("def f():\n    while True: pass", "f")

    def run(name: str, job: PythonCall) -> ExecStatus:
        status = sandbox(Layer.PLAIN).run(job, ExecLimits(wall_s=5.0, cpu_s=5.0)).status
        ended.append(name)
        return status

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(run, "hanging", hanging)
        while places._num_free:  # until it runs
            time.sleep(0.001)
        assert run("quick", PythonCall("def f(): return 1", "f")) is ExecStatus.EXITED
        assert first.result() is ExecStatus.TIMEOUT
    assert ended == ["quick", "hanging"] and places._num_free == 1


def test_the_time_in_line_is_not_the_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its limit and its wall-clock time begin when it does."""
    places = Places(1)
    monkeypatch.setattr(local, "_places", lambda: places)
    held = places.take()
    with ThreadPoolExecutor(1) as threads:
        job = threads.submit(sandbox(Layer.PLAIN).run, PythonCall("def f(): return 1", "f"), ExecLimits(wall_s=2.0))
        while not in_line(places):
            time.sleep(0.001)
        time.sleep(2.5)
        held.give_up()
        result = job.result()
    assert result.status is ExecStatus.EXITED and result.wall_s < 2.0
