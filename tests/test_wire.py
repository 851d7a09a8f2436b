"""Messages in datagrams: round trips in any order, with losses, copies, flips and junk, in bounded memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import DataError, ServerError
from bench.wire import FRAGMENT, OVERHEAD, Kind, Message, Reassembler, Reply, Status

U32 = st.integers(0, 2**32 - 1)
PAYLOADS = st.builds(lambda n, seed: np.random.default_rng(seed).bytes(n), st.integers(0, 9000), U32)
MESSAGES = st.builds(Message, st.sampled_from(Kind), U32, U32, PAYLOADS)


def test_golden():
    datagram = Message(Kind.REQUEST, 0x01020304, 7, b"\xff").datagrams()
    assert [d.hex() for d in datagram] == ["414201010403020107000000000001000100ff3be40ae3"]


@settings(deadline=None)
@given(MESSAGES, st.randoms(use_true_random=False))
def test_any_order_and_copies(message, random):
    datagrams = message.datagrams()
    assert max(map(len, datagrams)) <= FRAGMENT + OVERHEAD
    copies = [d for d in datagrams[:-1] for _ in range(random.randint(1, 2))] + datagrams[-1:]
    last = copies.pop()
    random.shuffle(copies)
    receiver = Reassembler()
    assert all(receiver.add(d, 0.0) is None for d in copies) or len(datagrams) == 1
    assert receiver.add(last, 0.0) == message


@settings(deadline=None)
@given(MESSAGES, st.data())
def test_a_flip_or_a_cut_never_passes(message, data):
    datagram = bytearray(message.datagrams()[0])
    bit = data.draw(st.integers(0, 8 * len(datagram) - 1))
    datagram[bit // 8] ^= 1 << bit % 8
    receiver = Reassembler()
    assert receiver.add(bytes(datagram), 0.0) is None
    cut = data.draw(st.integers(0, len(datagram) - 1))
    assert receiver.add(message.datagrams()[0][:cut], 0.0) is None
    assert receiver.junk == 2


@given(st.binary(max_size=2000))
def test_junk(junk):
    assert Reassembler().add(junk, 0.0) is None


def test_memory_and_time_are_bounded():
    receiver = Reassembler(max_payload=3 * FRAGMENT, messages=4, seconds=1.0)
    messages = [Message(Kind.REQUEST, 1, i, bytes(2 * FRAGMENT)) for i in range(6)]
    for message in messages:
        receiver.add(message.datagrams()[0], 0.0)
    assert len(receiver._partial) == 4
    assert receiver.add(messages[0].datagrams()[1], 0.0) is None  # its first half gave way
    assert receiver.add(messages[5].datagrams()[1], 0.9) == messages[5]
    assert receiver.add(messages[4].datagrams()[1], 1.1) is None  # too late
    assert receiver.add(Message(Kind.REQUEST, 1, 9, bytes(4 * FRAGMENT)).datagrams()[0], 2.0) is None
    assert receiver.junk == 1
    assert receiver.add(messages[1].datagrams()[0], 9.0, "a") is None
    assert receiver.add(messages[1].datagrams()[1], 9.0, "b") is None  # senders are kept apart


def test_only_the_last_fragment_may_be_short():
    receiver, message = Reassembler(), Message(Kind.REQUEST, 1, 1, bytes(FRAGMENT + 9))
    assert receiver.add(message._datagram(0, 2, b"short"), 0.0) is None and receiver.junk == 1
    assert receiver.add(message._datagram(1, 2, b""), 0.0) is None and receiver.junk == 1
    assert receiver.add(message._datagram(2, 2, b""), 0.0) is None and receiver.junk == 2


@given(st.sampled_from(Status), U32, st.lists(st.integers(-32768, 32767), max_size=300))
def test_reply(status, elapsed, logits):
    packed = Reply(status, elapsed, np.array(logits, np.int16)).pack()
    reply = Reply.unpack(packed)
    assert (reply.status, reply.elapsed_us, reply.logits.tolist()) == (status, elapsed, logits)
    for bad in (packed[:-1], packed + b"\0", b"\x09" + packed[1:]):
        with pytest.raises(ServerError):
            Reply.unpack(bad)


def test_too_long():
    with pytest.raises(DataError):
        Message(Kind.REQUEST, 0, 0, bytes(FRAGMENT * 0xFFFF + 1)).datagrams()


def test_another_count_begins_the_message_again():
    receiver = Reassembler()
    three, two = (Message(Kind.REQUEST, 1, 1, bytes(fragments * FRAGMENT)) for fragments in (3, 2))
    assert receiver.add(three.datagrams()[2], 0.0) is None
    assert receiver.add(two.datagrams()[0], 0.0) is None
    assert receiver.add(two.datagrams()[1], 0.0) == two
