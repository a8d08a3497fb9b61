"""Sends one ICMP echo to each of COUNT addresses from FIRST on within SECONDS, and waits for the answers.

_ping_many.py FIRST COUNT SECONDS TIMEOUT MARKER [TO]: with TO it is sent from each of these addresses, to TO. Prints how
many were answered, and after how many seconds the last was.
"""
import ipaddress
import select
import socket
import struct
import sys
import time

first, count, seconds, timeout, marker = sys.argv[1:6]
to = sys.argv[6] if len(sys.argv) > 6 else None
count, seconds, timeout = int(count), float(seconds), float(timeout)
addresses = [str(ipaddress.ip_address(first) + i) for i in range(count)]


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    return ~total & 0xFFFF


def echo(sequence):
    body = marker.encode().ljust(32, b".")
    head = struct.pack("!BBHHH", 8, 0, 0, 0x4F53, sequence)
    return struct.pack("!BBHHH", 8, 0, checksum(head + body), 0x4F53, sequence) + body


def raw():
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)


def send(address, sequence):
    if to is None:
        wire.sendto(echo(sequence), (address, 0))
        return
    with raw() as own:
        own.bind((address, 0))
        own.sendto(echo(sequence), (to, 0))


wire = raw()
wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
began = time.monotonic()
waiting, last, sent = set(addresses), 0.0, 0
while waiting and time.monotonic() - began < timeout:
    while sent < count and time.monotonic() - began >= sent * seconds / count:
        send(addresses[sent], sent)
        sent += 1
    ready, _, _ = select.select([wire], [], [], 0.001 if sent < count else 0.1)
    if ready:
        data, (source, _) = wire.recvfrom(2048)
        peer = source if to is None else socket.inet_ntoa(data[16:20])
        if data[(data[0] & 15) * 4] == 0 and peer in waiting and to in (None, source):
            waiting.discard(peer)
            last = time.monotonic() - began
print(count - len(waiting), round(last, 1))
