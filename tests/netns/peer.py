#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A TCP server and client that check every byte.

The client opens a connection and sends one line, "SEED DOWN UP CLOSER", and UP bytes that follow from
the seed. The server sends DOWN bytes that follow from the seed, and the SHA-256 of what it was sent. The client
compares both. CLOSER is who closes first, and how:

  client, server   that end sends its FIN first
  half             the client sends its FIN right after its data; only then does the server begin to send
  reset            the client has all and says so with one byte; the server resets the connection

On the ports of --greeting the server says one line first, on accept(); a client with --greeting waits for it.
"""
import argparse
import collections
import hashlib
import json
import random
import socket
import struct
import sys
import threading
import time

CHUNK = 1 << 16
LINE_MAX = 100
DIGEST = 64
GREETING = b"220 ready\n"
IPPROTO_MPTCP = 262
IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, PMTUDISC_DONT = 10, 23, 0
IPV6_HOPOPTS, IPV6_DSTOPTS = 54, 59
# An extension header of 8 bytes: the next header's number and the length are filled in by the kernel's
# sender; PadN, 4 bytes of padding.
EXT_PADDING = bytes([0, 0, 1, 4, 0, 0, 0, 0])
# More than this cannot be sent without reading meanwhile: both buffers might fill.
SEND_FIRST = 1 << 16


def stream(seed, size):
    rng = random.Random(seed)
    while size > 0:
        part = rng.randbytes(min(CHUNK, size))
        size -= len(part)
        yield part


def send_stream(sock, seed, size):
    for part in stream(seed, size):
        sock.sendall(part)


def digest_of(seed, size):
    sha = hashlib.sha256()
    for part in stream(seed, size):
        sha.update(part)
    return sha.hexdigest()


class Failure(Exception):
    pass


def read_exactly(sock, size, sha, first=b""):
    """Reads size bytes into a hash, or into a value where sha is None."""
    value = b""
    while size > 0:
        part = first or sock.recv(min(CHUNK, size))
        first = b""
        if not part:
            raise Failure(f"closed {size} bytes early")
        size -= len(part)
        if sha is None:
            value += part
        else:
            sha.update(part)
    return value


def read_line(sock):
    line = b""
    while b"\n" not in line:
        part = sock.recv(CHUNK)
        if not part:
            raise Failure("closed before the request")
        line += part
        if b"\n" not in line and len(line) > LINE_MAX:
            raise Failure("no request line")
    return line.split(b"\n", 1)


def expect_end(sock):
    if sock.recv(1):
        raise Failure("bytes after the end")


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def serve_one(sock):
    if sock.getsockname()[1] in GREETED:
        sock.sendall(GREETING)
    line, rest = read_line(sock)
    seed, down, up, closer = line.decode().split()
    seed, down, up = int(seed), int(down), int(up)
    sha = hashlib.sha256()
    sender = threading.Thread(target=quiet, args=(send_stream, sock, seed, down))
    if closer != "half" and up > 0:
        sender.start()
    read_exactly(sock, up, sha, rest)
    if closer == "half":
        expect_end(sock)
    if sender.ident is None:
        sender.run()
    else:
        sender.join()
    sock.sendall(sha.hexdigest().encode())
    if closer == "reset":
        read_exactly(sock, 1, None)
        reset(sock)
    elif closer == "server":
        sock.shutdown(socket.SHUT_WR)
        expect_end(sock)
    elif closer == "client":
        expect_end(sock)


def quiet(function, *args):
    """Client and server both judge what they got; a broken connection needs no traceback."""
    try:
        function(*args)
    except (OSError, Failure, ValueError):
        pass


def serve_thread(sock):
    with sock:
        sock.settimeout(TIMEOUT)
        quiet(serve_one, sock)


TIMEOUT = 120
GREETED = set()  # ports on which the server speaks first


def listen(port, protocol=0):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM, protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind(("::", port))
    # Data in a SYN is taken where the sysctl allows it.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 4096)
    sock.listen(4096)
    return sock


def accept_loop(listener):
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=serve_thread, args=(sock,), daemon=True).start()


def serve(args):
    threading.stack_size(256 * 1024)
    GREETED.update(args.greeting)
    listeners = [listen(port) for port in args.port + args.greeting]
    listeners += [listen(port, IPPROTO_MPTCP) for port in args.mptcp]
    print("peer: ready", flush=True)
    for listener in listeners[1:]:
        threading.Thread(target=accept_loop, args=(listener,), daemon=True).start()
    accept_loop(listeners[0])


class Client:
    def __init__(self, args):
        self.args = args
        self.lock = threading.Lock()
        self.next = 0
        self.served = 0
        self.connect_ms = []
        self.errors = collections.Counter()
        self.barrier = threading.Barrier(args.parallel) if args.together else None
        # The expected digest is the same for all where all have one seed.
        self.digests = {}

    def take_number(self):
        with self.lock:
            if self.next >= self.args.connections:
                return None
            self.next += 1
            return self.next - 1

    def digest(self, seed, size):
        key = (seed, size)
        if key not in self.digests:
            self.digests[key] = digest_of(seed, size)
        return self.digests[key]

    def closer(self, number):
        if self.args.closer == "alternate":
            return "client" if number % 2 == 0 else "server"
        return self.args.closer

    def prepare(self, sock, v6):
        """What must be set before the SYN goes out."""
        args = self.args
        if args.source_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("::" if v6 else "0.0.0.0", args.source_port))
        if args.ip_options:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, bytes.fromhex(args.ip_options))
        for name in args.extension:
            option = IPV6_HOPOPTS if name == "hop" else IPV6_DSTOPTS
            sock.setsockopt(socket.IPPROTO_IPV6, option, EXT_PADDING)
        if args.fragmentable:
            level, option = ((socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER) if v6 else
                             (socket.IPPROTO_IP, IP_MTU_DISCOVER))
            sock.setsockopt(level, option, PMTUDISC_DONT)

    def connect(self):
        args, v6 = self.args, ":" in self.args.host
        start = time.monotonic()
        sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_STREAM,
                             IPPROTO_MPTCP if args.mptcp else 0)
        try:
            sock.settimeout(args.timeout)
            self.prepare(sock, v6)
            # With TCP Fast Open the first data connects.
            if not args.fastopen:
                sock.connect((args.host, args.port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            sock.close()
            raise
        with self.lock:
            self.connect_ms.append((time.monotonic() - start) * 1000)
        return sock

    def send_first(self, sock, data):
        """The first bytes of a connection."""
        if self.args.fastopen:
            done = sock.sendto(data, socket.MSG_FASTOPEN, (self.args.host, self.args.port))
            data = data[done:]
        sock.sendall(data)

    def request(self, sock, seed, closer):
        """Request and upload; returns the thread that still sends, or None."""
        args = self.args
        line = f"{seed} {args.down} {args.up} {closer}\n".encode()
        if args.greeting and read_exactly(sock, len(GREETING), None) != GREETING:
            raise Failure("no greeting")
        if args.up <= SEND_FIRST:
            self.send_first(sock, line + b"".join(stream(seed + 1, args.up)))
            sender = None
        else:
            self.send_first(sock, line)
            sender = threading.Thread(target=quiet, args=(send_stream, sock, seed + 1, args.up))
            sender.start()
        if closer == "half":
            if sender:
                sender.join()
                sender = None
            sock.shutdown(socket.SHUT_WR)
        return sender

    def finish(self, sock, closer):
        if closer == "server":
            expect_end(sock)
        elif closer == "reset":
            sock.sendall(b"r")
            try:
                sock.recv(1)
            except ConnectionResetError:
                return
            raise Failure("closed without a reset")
        elif closer == "client":
            sock.shutdown(socket.SHUT_WR)
            expect_end(sock)
        else:
            expect_end(sock)

    def one(self, number):
        args = self.args
        seed = args.seed + (number % 16) * 2
        closer = self.closer(number)
        with self.connect() as sock:
            if self.barrier:
                self.barrier.wait(args.timeout)
            sender = self.request(sock, seed, closer)
            sha = hashlib.sha256()
            read_exactly(sock, args.down, sha)
            answer = read_exactly(sock, DIGEST, None).decode()
            if sender:
                sender.join()
            if sha.hexdigest() != self.digest(seed, args.down):
                raise Failure("download differs")
            if answer != self.digest(seed + 1, args.up):
                raise Failure("upload differs")
            if args.hold:
                print("held", sock.getsockname()[1], flush=True)
                sys.stdin.read()
            self.finish(sock, closer)

    def worker(self):
        while (number := self.take_number()) is not None:
            try:
                self.one(number)
                with self.lock:
                    self.served += 1
            except (OSError, Failure, threading.BrokenBarrierError) as error:
                with self.lock:
                    self.errors[f"{type(error).__name__}: {error}"] += 1

    def run(self):
        threading.stack_size(256 * 1024)
        workers = [threading.Thread(target=self.worker) for _ in range(self.args.parallel)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        times = sorted(self.connect_ms) or [0]
        print(json.dumps({
            "tried": self.next, "served": self.served, "errors": self.errors,
            "connect_ms": {"median": round(times[len(times) // 2], 3),
                           "p99": round(times[len(times) * 99 // 100], 3)}}), flush=True)
        return 0 if self.served == self.args.connections else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    server = commands.add_parser("serve")
    server.add_argument("port", type=int, nargs="+")
    server.add_argument("--greeting", type=int, action="append", default=[], metavar="PORT",
                        help="one more port, on which the server speaks first")
    server.add_argument("--mptcp", type=int, action="append", default=[], metavar="PORT",
                        help="one more port, of an MPTCP socket")
    client = commands.add_parser("client")
    client.add_argument("host")
    client.add_argument("port", type=int)
    client.add_argument("--connections", type=int, default=1)
    client.add_argument("--parallel", type=int, default=1)
    client.add_argument("--together", action="store_true",
                        help="all of --parallel are connected before the first asks")
    client.add_argument("--down", type=int, default=2000)
    client.add_argument("--up", type=int, default=2000)
    client.add_argument("--closer", default="client",
                        choices=["client", "server", "alternate", "half", "reset"])
    client.add_argument("--seed", type=int, default=1)
    client.add_argument("--timeout", type=float, default=TIMEOUT)
    client.add_argument("--hold", action="store_true",
                        help="stay open after the exchange until standard input ends")
    client.add_argument("--greeting", action="store_true", help="the server speaks first")
    client.add_argument("--source-port", type=int, default=0)
    client.add_argument("--mptcp", action="store_true", help="an MPTCP socket")
    client.add_argument("--fastopen", action="store_true", help="data in the SYN (TCP Fast Open)")
    client.add_argument("--ip-options", metavar="HEX", help="IPv4 options on every packet")
    client.add_argument("--extension", action="append", default=[], choices=["hop", "dst"],
                        help="an IPv6 extension header on every packet")
    client.add_argument("--fragmentable", action="store_true", help="no path MTU discovery")
    args = parser.parse_args()
    if args.command == "serve":
        serve(args)
    return Client(args).run()


if __name__ == "__main__":
    sys.exit(main())
