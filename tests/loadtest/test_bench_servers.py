import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from loadtest.bench import CannotMeasure
from loadtest.bench.processes import SERVER_CORE, cpu_seconds, family, holder
from loadtest.bench.programs import path_of
from loadtest.bench.raw_http import Answer, get
from loadtest.bench.servers import free_port, nginx, nginx_configuration, plain_aiohttp

HEAD = (
    "HTTP/1.1 200 OK\r\nDate: Tue, 24 Nov 2026 11:18:42 GMT\r\nServer: idnode\r\nVary: Authorization, Origin\r\n"
    'X-Content-Type-Options: nosniff\r\nETag: "0123456789abcdef0123456789abcdef"\r\n'
    "Content-Type: application/json;charset=UTF-8\r\nContent-Length: {size}\r\n\r\n"
)

needs_nginx = pytest.mark.skipif(path_of("nginx") is None, reason="needs nginx")


def answer(body: str) -> Answer:
    content = body.encode()
    return Answer(200, HEAD.format(size=len(content)).encode(), content)


@needs_nginx
def test_nginx_answers_the_same_body_with_headers_of_the_same_size(tmp_path: Path) -> None:
    like = answer('{"responseCode":1,"handle":"88.118.20001/B10000000","values":["精梳棉府绸"]}')

    with nginx(tmp_path, like) as server:
        seen = get(server.port, "/api/handles/88.118.20001/B10000000")
        cores = {core for pid in server.pids() for core in os.sched_getaffinity(pid)}

    assert seen.body == like.body
    assert len(seen.head) == len(like.head)
    assert cores == {SERVER_CORE}


@pytest.mark.parametrize("body", ["it's", "$remote_addr", "a\\b"])
def test_a_body_that_nginx_would_read_as_configuration_is_refused(tmp_path: Path, body: str) -> None:
    with pytest.raises(CannotMeasure, match="quotes, dollars or backslashes"):
        nginx_configuration(tmp_path, 8080, answer(body))


def test_headers_that_are_shorter_than_nginx_s_own_are_refused(tmp_path: Path) -> None:
    short = Answer(200, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"{}")

    with pytest.raises(CannotMeasure, match="the node's headers have 38 bytes"):
        nginx_configuration(tmp_path, 8080, short)


def test_the_aiohttp_yardstick_answers_the_body_on_the_servers_core_and_ends_with_the_block() -> None:
    with plain_aiohttp(answer('{"a":1}')) as server:
        seen = get(server.port, "/api/handles/88.118.20001/B10000000")
        cores = os.sched_getaffinity(server.pid)

    assert seen.body == b'{"a":1}'
    assert cores == {SERVER_CORE}
    with pytest.raises(ConnectionRefusedError):
        get(server.port, "/")


def test_a_family_has_children_and_theirs_and_uses_time() -> None:
    sleeping = "import time; time.sleep(60)"
    parent = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {sleeping!r}]).pid, flush=True); "
    command = [sys.executable, "-c", parent + sleeping]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # our own text
        assert process.stdout is not None
        child = int(process.stdout.readline())
        found = family(process.pid)
        used = cpu_seconds(found)
        os.kill(child, 9)
        process.kill()

    assert found == [process.pid, child]
    assert used > 0


def test_the_process_that_has_accepted_a_connection_is_found() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)) as listener, socket.create_connection(("127.0.0.1", port)) as client:
        before = holder([os.getpid()], server_port=port, client_port=client.getsockname()[1])
        accepted, _ = listener.accept()
        after = holder([os.getpid()], server_port=port, client_port=client.getsockname()[1])
        accepted.close()

    assert before is None
    assert after == os.getpid()
