#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""One process that holds both ends of a connection: closing.py CLIENT_NS SERVER_NS SERVER_ADDRESS SCENARIO

Each socket is made in its namespace and stays there, so that a scenario says what happens when at which end. Exit
status 0 where all went as it should; else a sentence on stderr.
"""
import argparse
import ctypes
import hashlib
import os
import socket
import struct
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
PORT, BACK_PORT = 5000, 7000
WAIT_S = 30
BLOCK = 1 << 16
STEP = 20000


class Failure(Exception):
    pass


def expect(true, what):
    if not true:
        raise Failure(what)


def until(what, condition):
    end = time.monotonic() + WAIT_S
    while not condition():
        expect(time.monotonic() < end, f"waited in vain: {what}")
        time.sleep(0.02)


def enter(namespace):
    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    expect(libc.setns(fd, CLONE_NEWNET) == 0, f"cannot enter {namespace}")
    os.close(fd)


def run_in(namespace, *command):
    return subprocess.run(["nsenter", f"--net=/run/netns/{namespace}", *command], check=True,
                          capture_output=True, text=True).stdout


def nstat(namespace, name):
    for line in run_in(namespace, "nstat", "-asz", name).splitlines():
        if line.split()[0] == name:
            return int(line.split()[1])
    raise Failure(f"no counter {name}")


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def read(sock, size):
    data = b""
    while len(data) < size:
        part = sock.recv(size - len(data))
        expect(part, "closed early")
        data += part
    return data


def both_ways(a, b, times=1):
    """Bytes each way, one after the other; so few at a time that they fit into the buffers of both ends."""
    for _ in range(times):
        for one, other in ((a, b), (b, a)):
            data = os.urandom(STEP)
            one.sendall(data)
            expect(read(other, STEP) == data, "other bytes arrived than were sent")


class Ends:
    def __init__(self, args):
        self.client_ns, self.server_ns, self.host = args.client_ns, args.server_ns, args.host
        self.client_host = args.client_host
        self.family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self.listener = self.listen(self.server_ns, PORT)

    def socket(self, namespace):
        enter(namespace)
        sock = socket.socket(self.family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(WAIT_S)
        return sock

    def listen(self, namespace, port):
        sock = self.socket(namespace)
        sock.bind(("", port))
        sock.listen(16)
        return sock

    def connect(self, port=0):
        """A connection, both ends of it: the client's, the server's."""
        client = self.socket(self.client_ns)
        client.bind(("", port))
        client.connect((self.host, PORT))
        server, _ = self.listener.accept()
        server.settimeout(WAIT_S)
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client, server

    def states(self, namespace, port):
        """The states of the sockets there that have this port at either end."""
        lines = run_in(namespace, "ss", "-6" if ":" in self.host else "-4", "-tanH",
                       f"sport = :{port} or dport = :{port}").splitlines()
        return {line.split()[0] for line in lines if line.split()[0] != "LISTEN"}


def reuse(ends):
    """The client takes the same port again at once, while the server's end is in TIME-WAIT."""
    for number in range(10):
        client, server = ends.connect(41000)
        both_ways(client, server)
        server.shutdown(socket.SHUT_WR)
        expect(client.recv(1) == b"", "no end")
        client.close()
        expect(server.recv(1) == b"", "no end")
        server.close()
        until("the server's TIME-WAIT", lambda: ends.states(ends.server_ns, 41000) == {"TIME-WAIT"})
        until(f"{number}: the client's last ACK", lambda: not ends.states(ends.client_ns, 41000))


def rebooted(ends):
    """The client forgets its connection without a word, and opens another from the same port."""
    client, server = ends.connect(41001)
    both_ways(client, server)
    challenges = nstat(ends.server_ns, "TcpExtTCPSYNChallenge")
    run_in(ends.client_ns, "nft", "add table inet mute; add chain inet mute out "
           "{ type filter hook output priority 0; }; add rule inet mute out tcp flags rst drop")
    reset(client)
    expect(not ends.states(ends.client_ns, 41001), "the client has not forgotten it")
    run_in(ends.client_ns, "nft", "delete table inet mute")
    expect(ends.states(ends.server_ns, 41001) == {"ESTAB"}, "the server knows already")
    client, again = ends.connect(41001)
    expect(nstat(ends.server_ns, "TcpExtTCPSYNChallenge") > challenges, "no challenge ACK")
    both_ways(client, again)
    try:
        server.recv(1)
        raise Failure("the old connection was not reset")
    except ConnectionResetError:
        pass


def half_close(ends):
    """One end has closed; the other goes on for a while, in steps that the first takes one by one."""
    for closer in (0, 1):
        pair = ends.connect()
        quiet, talker = pair[closer], pair[1 - closer]
        quiet.sendall(b"all that there is")
        quiet.shutdown(socket.SHUT_WR)
        read(talker, 17)
        expect(talker.recv(1) == b"", "no end")
        for _ in range(50):
            data = os.urandom(5000)
            talker.sendall(data)
            expect(read(quiet, 5000) == data, "other bytes arrived than were sent")
        talker.close()
        expect(quiet.recv(1) == b"", "no end")
        quiet.close()


def keepalive(ends):
    """Either end asks whether the other is there, several times, and is answered: both at one time, each on a
    connection of its own."""
    asking = []
    for name, at in ((ends.client_ns, 0), (ends.server_ns, 1)):
        pair = ends.connect()
        both_ways(*pair)
        sock = pair[at]
        asking.append((name, nstat(name, "TcpExtTCPKeepAlive"), pair, sock))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
        # Two without an answer would end the connection.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 2)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, before, pair, sock in asking:
        until("keepalives", lambda n=name, b=before: nstat(n, "TcpExtTCPKeepAlive") >= b + 4)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
        both_ways(*pair)


def zero_window(ends):
    """The reader stops until its window is shut and has been asked about twice; then it goes on."""
    for sender in (0, 1):
        pair = ends.connect()
        one, other = pair[sender], pair[1 - sender]
        namespace = (ends.client_ns, ends.server_ns)[sender]
        probes = nstat(namespace, "TcpExtTCPWinProbe")
        sent, size = hashlib.sha256(), 0
        one.setblocking(False)

        def fill():
            nonlocal size
            block = os.urandom(BLOCK)
            try:
                done = one.send(block)
            except BlockingIOError:
                return nstat(namespace, "TcpExtTCPWinProbe") >= probes + 2
            sent.update(block[:done])
            size += done
            return False

        until("window probes", fill)
        got = hashlib.sha256(read(other, size))
        expect(got.digest() == sent.digest(), "other bytes arrived than were sent")
        one.settimeout(WAIT_S)
        both_ways(one, other)


def urgent(ends):
    """One byte out of band, in the middle of others, in each direction."""
    for sender in (0, 1):
        pair = ends.connect()
        one, other = pair[sender], pair[1 - sender]
        one.sendall(b"a" * 3000)
        expect(read(other, 3000) == b"a" * 3000, "the data before it")
        one.send(b"bb!", socket.MSG_OOB)
        one.sendall(b"c" * 3000)

        def arrived():
            try:
                return other.recv(1, socket.MSG_OOB) == b"!"
            except (BlockingIOError, OSError):
                return False

        until("the urgent byte", arrived)
        expect(read(other, 3002) == b"bb" + b"c" * 3000, "the data around it")


def simultaneous(ends):
    """Both FINs are under way at the same time: needs a wire with a delay."""
    for number in range(3):
        port = 41010 + number
        client, server = ends.connect(port)
        both_ways(client, server)
        client.shutdown(socket.SHUT_WR)
        server.shutdown(socket.SHUT_WR)
        expect(client.recv(1) == b"" and server.recv(1) == b"", "no end")
        client.close()
        server.close()
        # Whose FIN was answered by a FIN of the other's own was first: never both, but here.
        for name in (ends.client_ns, ends.server_ns):
            until(f"{name}: TIME-WAIT", lambda n=name: ends.states(n, port) == {"TIME-WAIT"})


def from_server(ends):
    """The server opens a connection from its protected port."""
    ends.listener.close()
    listener = ends.listen(ends.client_ns, BACK_PORT)
    server = ends.socket(ends.server_ns)
    server.bind(("", PORT))
    server.connect((ends.client_host, BACK_PORT))
    client, (_, port, *_) = listener.accept()
    client.settimeout(WAIT_S)
    expect(port == PORT, "another port")
    both_ways(server, client, 25)
    server.shutdown(socket.SHUT_WR)
    expect(client.recv(1) == b"", "no end")
    client.sendall(b"last words")
    read(server, 10)
    client.close()
    expect(server.recv(1) == b"", "no end")
    server.close()


def plain(ends):
    """A connection, some bytes, the client closes."""
    client, server = ends.connect()
    both_ways(client, server, 10)
    client.close()
    expect(server.recv(1) == b"", "no end")


SCENARIOS = {f.__name__: f for f in (reuse, rebooted, half_close, keepalive, zero_window, urgent, simultaneous,
                                     from_server, plain)}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("client_ns")
    parser.add_argument("server_ns")
    parser.add_argument("host")
    parser.add_argument("client_host")
    parser.add_argument("scenario", choices=SCENARIOS)
    args = parser.parse_args()
    try:
        SCENARIOS[args.scenario](Ends(args))
    except (Failure, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"closing.py: {args.scenario}: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
