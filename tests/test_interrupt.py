"""Ctrl-C between steps: kept until the step ends, never lost."""

import signal
import threading

import pytest

from bench.interrupt import between_steps


def test_it_waits_for_the_step_and_is_raised_then():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), between_steps() as stop:
        signal.raise_signal(signal.SIGINT)
        finished = True
        stop.check()
        finished = False
    assert finished
    assert signal.getsignal(signal.SIGINT) is before


def test_after_the_last_step_it_is_raised_too():
    with pytest.raises(KeyboardInterrupt), between_steps():
        signal.raise_signal(signal.SIGINT)


def test_the_second_is_not_waited_for():
    with pytest.raises(KeyboardInterrupt), between_steps():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("went on")


def test_other_threads_go_on():
    done = []

    def work():
        with between_steps() as stop:
            stop.check()
            done.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [1]
