"""Turns are taken in order, a full lane says how long it takes, and nobody stands in it twice."""

import threading
import time

import pytest

from dviz.ui.core.fair import BusyError, Lane


def test_turns_are_taken_in_order():
    lane, order = Lane("works", at_once=1, waiting=10, seconds=1), []
    tickets = [lane.join() for _ in range(5)]
    assert [ticket.ahead for ticket in tickets] == [0, 1, 2, 3, 4]

    def work(name, ticket):
        while ticket.ahead:
            ticket.wait(5)
        order.append(name)
        ticket.leave()

    threads = [threading.Thread(target=work, args=pair) for pair in reversed([*enumerate(tickets)])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert order == [0, 1, 2, 3, 4]


def test_no_more_run_at_once_than_may():
    lane, running, most = Lane("works", at_once=2, waiting=20, seconds=0.1), 0, 0
    lock = threading.Lock()

    def work():
        nonlocal running, most
        with lane.turn():
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.01)
            with lock:
                running -= 1

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (most, running) == (2, 0)


def test_a_full_lane_says_how_long_the_others_need():
    lane = Lane("measurements", at_once=1, waiting=2, seconds=30)
    for _ in range(3):
        lane.join()
    with pytest.raises(BusyError, match=r"busy: 2 measurements of others wait .* about 90 s"):
        lane.join()


def test_a_visitor_has_one_place_and_may_come_back():
    lane = Lane("measurements", at_once=1, waiting=2, seconds=30)
    mine = lane.join("ada")
    with pytest.raises(BusyError, match="one of your measurements is running already"):
        lane.join("ada")
    lane.join("eve")
    mine.leave()
    mine.leave()
    assert lane.join("ada").ahead == 1


def test_who_gives_up_waiting_makes_room_for_those_behind():
    lane = Lane("works", at_once=1, waiting=2, seconds=1)
    first, second, third = lane.join(), lane.join(), lane.join()
    second.leave()
    assert third.ahead == 1
    first.leave()
    assert third.ahead == 0


def test_an_error_within_a_turn_ends_it():
    lane = Lane("works", at_once=1, waiting=0, seconds=1)
    with pytest.raises(RuntimeError), lane.turn():
        raise RuntimeError
    assert lane.join().ahead == 0
