"""The port that workers share: nobody else has it, and nobody is dropped from a queue."""

import socket
import sys

import pytest

from idnode.lifecycle import CannotStart
from idnode.workers.port import Port, begin_no_more


def connect(number: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", number), timeout=0.2)


def accepted(listener: socket.socket) -> int:
    """How many waited in the queue; they are sent away."""
    count = 0
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


def test_the_kernel_spreads_connections_over_the_sockets_that_listen() -> None:
    with Port.take("127.0.0.1", 0) as port:
        first, second = port.socket_of(0), port.socket_of(1)
        number = first.getsockname()[1]
        before = [connect(number) for _ in range(20)]
        before_second = accepted(first)
        second.listen()
        after = [connect(number) for _ in range(60)]
        counts = accepted(first), accepted(second)
        for client in before + after:
            client.close()

    assert before_second == 20
    assert sum(counts) == 60
    assert min(counts) > 0


def test_a_second_node_does_not_get_the_port_though_workers_share_it() -> None:
    with Port.take("127.0.0.1", 0) as port:
        port.socket_of(1).listen()
        number = port.socket_of(0).getsockname()[1]

        with pytest.raises(CannotStart, match="Address already in use; another process has it"):
            Port.take("127.0.0.1", number)

    Port.take("127.0.0.1", number).close_all()


@pytest.mark.skipif(sys.platform != "linux", reason="the filter is Linux's")
def test_after_the_last_call_nobody_new_gets_in_and_who_waits_stays() -> None:
    with Port.take("127.0.0.1", 0) as port:
        listener = port.socket_of(0)
        number = listener.getsockname()[1]
        waiting = [connect(number) for _ in range(5)]
        begin_no_more(listener)

        with pytest.raises(TimeoutError):
            connect(number)
        for client in waiting:
            client.sendall(b"still here")
        received = [listener.accept()[0].recv(16) for _ in waiting]
        for client in waiting:
            client.close()

        assert received == [b"still here"] * 5
        assert accepted(listener) == 0

    with pytest.raises(ConnectionRefusedError):
        connect(number)


def test_the_kernel_spreads_senders_of_datagrams_and_each_comes_to_one_socket() -> None:
    with Port.take_datagrams("127.0.0.1", 0, setting="IDNODE_NATIVE_PORT") as port:
        receivers = port.socket_of(0), port.socket_of(1)
        senders = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(40)]
        for number, sender in enumerate(senders * 3):
            sender.sendto(b"%d" % (number % 40), receivers[0].getsockname())
        for sender in senders:
            sender.close()
        received = [[int(data) for data in datagrams(receiver)] for receiver in receivers]

    assert sorted(received[0] + received[1]) == sorted([*range(40)] * 3)
    assert not set(received[0]) & set(received[1])
    assert min(map(len, received)) > 0


def datagrams(receiver: socket.socket) -> list[bytes]:
    """What waits in the queue."""
    found = []
    while True:
        try:
            found.append(receiver.recv(16))
        except BlockingIOError:
            return found


def test_a_second_node_does_not_get_the_port_of_datagrams_though_workers_share_it() -> None:
    with Port.take_datagrams("127.0.0.1", 0, setting="IDNODE_NATIVE_PORT") as port:
        port.socket_of(1)
        number = port.socket_of(0).getsockname()[1]

        with pytest.raises(CannotStart) as refused:
            Port.take_datagrams("127.0.0.1", number, setting="IDNODE_NATIVE_PORT")

    assert refused.value.detail == (
        f"cannot listen on 127.0.0.1 UDP port {number}: Address already in use;"
        " another process has it; set IDNODE_NATIVE_PORT or IDNODE_HTTP_HOST"
    )
    Port.take_datagrams("127.0.0.1", number, setting="IDNODE_NATIVE_PORT").close_all()
