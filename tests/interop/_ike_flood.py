#!/usr/bin/python3
"""
First messages of IKE, made by scapy, from many who are not there.

    _ike_flood.py DEVICE TARGET COUNT            valid ones, each with a source and a cookie of its own
    _ike_flood.py DEVICE TARGET COUNT malformed  each with something wrong
    _ike_flood.py DEVICE TARGET COUNT from A.B.C.D:PORT   malformed, as if a peer that is known had sent them

Sources are 198.18.0.0/15. Prints how many packets it has sent.
"""

import random
import socket
import struct
import sys

from scapy.layers.isakmp import (ISAKMP, ISAKMP_payload, ISAKMP_payload_Hash, ISAKMP_payload_ID, ISAKMP_payload_KE,
                                 ISAKMP_payload_Nonce, ISAKMP_payload_Proposal, ISAKMP_payload_SA,
                                 ISAKMP_payload_Transform, ISAKMP_payload_VendorID)
from scapy.layers.l2 import Ether
from scapy.packet import fuzz, raw

PORT = 500
COOKIE_BYTES = 8
# Whatever happens can be had again.
random.seed(4)

TRANSFORM = ISAKMP_payload_Transform(num=1, transforms=[
    ("Encryption", "AES-CBC"), ("KeyLength", 128), ("Hash", "SHA2-256"), ("Authentication", "PSK"),
    ("GroupDesc", "2048MODPgr"), ("LifeType", "Seconds"), ("LifeDuration", 3600)])
FIRST = raw(ISAKMP(next_payload=1, exch_type=2) / ISAKMP_payload_SA(
    prop=ISAKMP_payload_Proposal(trans_nb=1, trans=TRANSFORM)))


def cookie():
    return random.randbytes(COOKIE_BYTES)


def valid():
    return cookie() + FIRST[COOKIE_BYTES:]


def flipped(message):
    data = bytearray(message)
    for _ in range(random.randint(1, 4)):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(data)


def fuzzed():
    """Chains of payloads that scapy fills with anything; lengths are right where scapy makes them so."""
    kinds = [ISAKMP_payload_SA, ISAKMP_payload_KE, ISAKMP_payload_Nonce, ISAKMP_payload_ID, ISAKMP_payload_Hash,
             ISAKMP_payload_VendorID, ISAKMP_payload]
    packet = ISAKMP(init_cookie=cookie(), resp_cookie=random.choice([bytes(COOKIE_BYTES), cookie()]),
                    next_payload=random.randrange(256), exch_type=random.choice([2, 4, 5, 6, 32, 33, 99]),
                    flags=random.randrange(8), id=random.getrandbits(32))
    for _ in range(random.randint(0, 30)):
        packet = packet / fuzz(random.choice(kinds)())
    return raw(packet)[:1400]


# scapy takes its time: these are made once, and flipped after that.
FUZZED = [fuzzed() for _ in range(100)]


def lying():
    """The lengths of header, SA, proposal or transform say something else than is there."""
    data = bytearray(valid())
    at = random.choice([24, 30, 42, 50])
    struct.pack_into("!H", data, at, random.choice([0, 1, 3, 4, 7, 8, 0x7FFF, 0xFFFF]))
    return bytes(data)


MALFORMED = [
    lambda: flipped(valid()),
    lambda: valid()[: random.randrange(90)],
    lambda: valid() + random.randbytes(random.randint(1, 900)),
    lambda: random.randbytes(random.randint(0, 1400)),
    lying,
    lambda: random.choice(FUZZED),
    lambda: flipped(random.choice(FUZZED)),
]


def main():
    device, target, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    mode = sys.argv[4] if len(sys.argv) > 4 else "valid"
    known = sys.argv[5].split(":") if mode == "from" else None
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    link.bind((device, 0))
    # The target's Ethernet address is the kernel's to find.
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.sendto(b"", (target, 9))
    ethernet = None
    while ethernet is None:
        with open("/proc/net/arp", encoding="ascii") as table:
            for line in table:
                fields = line.split()
                if fields[0] == target and fields[5] == device and fields[3] != "00:00:00:00:00:00":
                    ethernet = fields[3]
    own = open(f"/sys/class/net/{device}/address", encoding="ascii").read().strip()
    ether = raw(Ether(src=own, dst=ethernet, type=0x0800))
    for n in range(count):
        source = known[0] if known else f"198.18.{n >> 8 & 255}.{n & 255}"
        message = valid() if mode == "valid" else random.choice(MALFORMED)()
        link.send(ether + datagram((source, int(known[1]) if known else PORT), target, message))
    print("sent", count)


def datagram(source, target, message):
    """IP and UDP by hand: scapy makes them a hundred times slower."""
    udp = struct.pack("!4H", source[1], PORT, 8 + len(message), 0) + message
    head = bytearray(struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0))
    head += socket.inet_aton(source[0]) + socket.inet_aton(target)
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    struct.pack_into("!H", head, 10, ~(total + (total >> 16)) & 0xFFFF)
    return bytes(head) + udp

main()
