#!/usr/bin/python3
"""
A gateway made of scapy's IPsec layer and a packet socket: the other end of the tunnels in scapy_test.ts.

    _peer.py eth0 rows.json

Each row of the file is a gateway of its own, named by the address that it answers at ("peer"). It opens what comes
for that address, answers the ICMP echo request inside, and sends the answer back through its own SAs. What it cannot
open it refuses in a line on standard error. The kernel must own none of these addresses.

From scapy come ESP and AH (scapy.layers.ipsec), IP, ICMP and fragments. Ours, because scapy lacks them: IPCOMP, ESP
with an HMAC over extended sequence numbers, AH around ESP, and UDP encapsulation over IPv6.
"""

import json
import socket
import struct
import sys
import traceback
import zlib

from scapy.layers import ipsec
from scapy.layers.inet import (ICMP, IP, UDP, IPOption_NOP, IPOption_Router_Alert,
                               IPOption_RR, defrag, fragment)
from scapy.layers.inet6 import (HBHOptUnknown, ICMPv6EchoReply, ICMPv6EchoRequest, IPv6,
                                IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
                                defragment6, fragment6)
from scapy.layers.ipsec import AH, ESP
from scapy.packet import Raw, raw
from scapy.plist import PacketList

MTU = 1500
IPCOMP = 108
ETHERTYPE = {4: 0x0800, 6: 0x86DD}
# Our names of the algorithms, and scapy's.
CIPHER = {
    "3des": "3DES",
    "aes128": "AES-CBC",
    "aes192": "AES-CBC",
    "aes256": "AES-CBC",
    "aes128gcm16": "AES-GCM",
    "aes256gcm16": "AES-GCM",
    "chacha20poly1305": "CHACHA20-POLY1305",
}
AUTHENTICATOR = {
    "md5-96": "HMAC-MD5-96",
    "sha1-96": "HMAC-SHA1-96",
    "sha2_256-128": "SHA2-256-128",
    "sha2_384-192": "SHA2-384-192",
    "sha2_512-256": "SHA2-512-256",
}
# Record route may change under way (RFC 4302 appendix A).
OPTIONS = {
    "nop": IPOption_NOP(),
    "record-route": IPOption_RR(routers=["0.0.0.0", "0.0.0.0"]),
    "router-alert": IPOption_Router_Alert(),
}
# IPv6 extension headers, each with an option that nobody knows, whose data may change.
EXTENSIONS = {"hop-by-hop": (0, IPv6ExtHdrHopByHop), "destination": (60, IPv6ExtHdrDestOpt)}
MUTABLE_OPTION = HBHOptUnknown(otype=0x3E, optdata=b"abcd")


class Refused(Exception):
    """A packet that this gateway does not take, and why."""


class WholeAuthenticator(ipsec.AuthAlgo):
    """scapy's HMAC, which for ESP covers the high half too (RFC 4303 section 2.2.1), and for AH the ESP inside it."""

    def __init__(self, plain, high=b""):
        super().__init__(plain.name, plain.mac, plain.digestmod, plain.icv_size)
        self.high = high

    def icv(self, covered, key):
        mac = self.new_mac(key)
        mac.update(covered)
        return mac.finalize()[: self.icv_size]

    def sign(self, packet, key, esn_en=False, esn=0):
        if isinstance(packet, ESP):
            packet.data += self.icv(raw(packet) + self.high, key)
        else:
            clone = ipsec.zero_mutable_fields(packet.copy(), sending=True)
            packet[AH].icv = self.icv(raw(clone) + (struct.pack("!L", esn) if esn_en else b""), key)
        return packet

    def verify(self, packet, key, esn_en=False, esn=0):
        if not isinstance(packet, ESP):
            return super().verify(packet, key, esn_en, esn)
        data = raw(packet)
        if data[-self.icv_size :] != self.icv(data[: -self.icv_size] + self.high, key):
            raise ipsec.IPSecIntegrityError("ICV of ESP with its extended sequence number")


class IpsecLayer:
    """ESP or AH on one IP packet; what a tunnel adds is a layer of its own."""

    def __init__(self, spec):
        self.esn = spec.get("esn", False)
        self.association = ipsec.SecurityAssociation(
            ESP if spec["protocol"] == "esp" else AH,
            spi=spec["spi"],
            crypt_algo=CIPHER.get(spec.get("cipher")),
            crypt_key=bytes.fromhex(spec.get("key", "")),
            auth_algo=AUTHENTICATOR.get(spec.get("auth")),
            auth_key=bytes.fromhex(spec.get("authKey", "")),
            esn_en=self.esn,
        )
        self.plain_authenticator = self.association.auth_algo

    def open(self, packet):
        self.prepare(0)
        return self.association.decrypt(packet)

    def seal(self, packet, high, low):
        self.prepare(high)
        return self.association.encrypt(packet, seq_num=low, esn=high)

    def prepare(self, high):
        if self.plain_authenticator.mac:
            covered = struct.pack("!L", high) if self.esn else b""
            self.association.auth_algo = WholeAuthenticator(self.plain_authenticator, covered)


class IpcompLayer:
    """IPCOMP with deflate (RFC 3173, RFC 2394). Long packets of the tests can be compressed, so they must be."""

    LONG = 400

    def __init__(self, spec):
        self.cpi = spec["spi"] & 0xFFFF

    def open(self, packet):
        data = raw(packet.payload)
        if protocol_of(packet) != IPCOMP:
            if len(data) > self.LONG:
                raise Refused("a long packet without compression")
            return packet
        protocol, flags, cpi = struct.unpack("!BBH", data[:4])
        if flags or cpi != self.cpi:
            raise Refused("IPCOMP with flags %d, CPI %x" % (flags, cpi))
        return with_payload(packet, protocol, zlib.decompress(data[4:], -15))

    def seal(self, packet, high, low):
        data = raw(packet.payload)
        if len(data) < self.LONG:
            return packet
        deflate = zlib.compressobj(wbits=-15)
        packed = deflate.compress(data) + deflate.flush()
        head = struct.pack("!BBH", protocol_of(packet), 0, self.cpi)
        return with_payload(packet, IPCOMP, head + packed)


def protocol_of(packet):
    return packet.proto if packet.version == 4 else packet.nh


def with_payload(packet, protocol, data):
    """The same IP header in front of other bytes, dissected anew."""
    if packet.version == 4:
        head = IP(src=packet.src, dst=packet.dst, ttl=packet.ttl, tos=packet.tos, id=packet.id, proto=protocol)
    else:
        head = IPv6(src=packet.src, dst=packet.dst, hlim=packet.hlim, tc=packet.tc, nh=protocol)
    return head.__class__(raw(head / Raw(data)))


def with_options(packet, names):
    """The same packet with IPv4 options, or with IPv6 extension headers."""
    packet = packet.__class__(raw(packet))
    if not names:
        return packet
    if packet.version == 4:
        head = IP(src=packet.src, dst=packet.dst, proto=packet.proto, options=[OPTIONS[name] for name in names])
        return IP(raw(head / packet.payload))
    next_header, payload = packet.nh, packet.payload
    for name in reversed(names):
        number, extension = EXTENSIONS[name]
        payload = extension(nh=next_header, options=[MUTABLE_OPTION]) / payload
        next_header = number
    return IPv6(raw(IPv6(src=packet.src, dst=packet.dst, nh=next_header) / payload))


def echo_reply(request):
    """The answer of a host that is pinged, or None."""
    if request.haslayer(ICMP) and request[ICMP].type == 8:
        head = IP(src=request.dst, dst=request.src)
        return head / ICMP(type=0, id=request[ICMP].id, seq=request[ICMP].seq) / Raw(raw(request[ICMP].payload))
    if request.haslayer(ICMPv6EchoRequest):
        echo = request[ICMPv6EchoRequest]
        return IPv6(src=request.dst, dst=request.src) / ICMPv6EchoReply(id=echo.id, seq=echo.seq, data=echo.data)
    return None


class Gateway:
    """
    One row. "inbound" and "outbound" list the layers, outermost first. "sequences" are the numbers (64 bits) of the
    first answers; later ones count on. "options" go into the outer header, "wire" changes every answer once it is sealed, and
    "second" says what is wrong with the second answer and those after it.
    """

    def __init__(self, row):
        self.row = row
        self.inbound = [self.layer(spec) for spec in row["inbound"]]
        self.outbound = [self.layer(spec) for spec in row["outbound"]]
        self.forgers = [self.layer({**spec, **row.get("second", {}).get("layer", {})}) for spec in row["outbound"]]
        self.sequences = list(row.get("sequences", []))
        self.sequence = 0
        self.answers = 0
        self.last = None

    @staticmethod
    def layer(spec):
        return IpcompLayer(spec) if spec["protocol"] == "comp" else IpsecLayer(spec)

    def open(self, packet):
        """The packet inside."""
        if self.row.get("udp"):
            if not packet.haslayer(UDP) or packet[UDP].dport != self.row["udp"]:
                raise Refused("not in UDP")
            packet = with_payload(packet, socket.IPPROTO_ESP, raw(packet[UDP].payload))
        for layer in self.inbound:
            # Anew, because scapy leaves what follows AH undissected.
            packet = layer.open(packet)
            packet = packet.__class__(raw(packet))
        if not self.row["tunnel"]:
            return packet
        if protocol_of(packet) not in (socket.IPPROTO_IPIP, socket.IPPROTO_IPV6):
            raise Refused("no tunnel inside, but protocol %d" % protocol_of(packet))
        return packet.payload

    def answer(self, request):
        """The answer, sealed, or None where there is nothing to answer."""
        packet = echo_reply(request)
        if packet is None:
            return None
        self.answers += 1
        wrong = self.row.get("second", {}) if self.answers > 1 else {}
        if wrong.get("repeat"):
            return self.last
        if "innerSource" in wrong:
            packet.src = wrong["innerSource"]
        self.sequence = self.sequences.pop(0) if self.sequences else self.sequence + 1
        sequence = wrong.get("sequence", self.sequence)
        if self.row["tunnel"]:
            outer = IP if ":" not in self.row["peer"] else IPv6
            packet = outer(src=self.row["peer"], dst=self.row["west"]) / packet
        packet = with_options(packet, self.row.get("options", []))
        layers = self.forgers if "layer" in wrong else self.outbound
        for layer in reversed(layers[wrong.get("without", 0) :]):
            packet = layer.seal(packet, sequence >> 32, sequence & 0xFFFFFFFF)
        self.last = self.on_the_wire(packet, {**self.row.get("wire", {}), **wrong})
        return self.last

    def on_the_wire(self, packet, changes):
        """What happens to an answer under way: bytes, length, source. Then UDP."""
        data = bytearray(raw(packet))
        head = 4 * (data[0] & 15) if packet.version == 4 else 40
        for at, bits in changes.get("header", []):
            data[at] ^= bits
        if "flip" in changes:
            data[head + changes["flip"] if changes["flip"] >= 0 else changes["flip"]] ^= 0x10
        if "cut" in changes:
            del data[head + changes["cut"] :]
        packet = packet.__class__(bytes(data))
        packet.src = changes.get("source", packet.src)
        # Lengths and checksum anew.
        for field in ("len", "chksum", "plen"):
            packet.fields.pop(field, None)
        if not self.row.get("udp") or changes.get("bare"):
            return packet.__class__(raw(packet))
        # RFC 3948 section 2.1: zero over IPv4. IPv6 needs a true checksum (RFC 8200 section 8.1).
        udp = UDP(sport=self.row["udp"], dport=4500)
        if packet.version == 4:
            udp.chksum = 0
        head = packet.__class__(src=packet.src, dst=packet.dst)
        return head.__class__(raw(head / udp / Raw(raw(packet.payload))))


class Fragments:
    """Puts packets together again."""

    def __init__(self):
        self.waiting = {}

    def take(self, packet):
        """The whole packet, or None where fragments are missing."""
        if packet.version == 4:
            if not (packet.flags.MF or packet.frag):
                return packet
            pieces = self.add((packet.src, packet.dst, packet.id), packet)
            _, whole, _ = defrag(PacketList(pieces))
            return self.finish(pieces, IP(raw(whole[0]))) if whole else None
        if not packet.haslayer(IPv6ExtHdrFragment):
            return packet
        head = packet[IPv6ExtHdrFragment]
        pieces = self.add((packet.src, packet.dst, head.id), packet)
        sizes = sum(len(raw(piece[IPv6ExtHdrFragment].payload)) for piece in pieces)
        last = [piece[IPv6ExtHdrFragment] for piece in pieces if not piece[IPv6ExtHdrFragment].m]
        if not last or last[0].offset * 8 + len(raw(last[0].payload)) != sizes:
            return None
        return self.finish(pieces, IPv6(raw(defragment6(pieces))))

    def add(self, key, packet):
        pieces = self.waiting.setdefault(key, [])
        pieces.append(packet)
        return pieces

    @staticmethod
    def finish(pieces, whole):
        pieces.clear()
        return whole


def cut(packet):
    """The packet in pieces that fit the link."""
    if len(packet) <= MTU:
        return [packet]
    if packet.version == 4:
        return fragment(packet, fragsize=1400)
    head, data = IPv6(raw(packet)[:40]), raw(packet)[40:]
    del head.plen, head.nh
    return fragment6(head / IPv6ExtHdrFragment(nh=packet.nh) / Raw(data), MTU)


def checked(data):
    """The IP packet of a frame, without what the link has added; its lengths and its checksum are right."""
    if data[0] >> 4 == 4:
        length = struct.unpack("!H", data[2:4])[0]
        packet = IP(data[:length])
        wire = packet.chksum
        del packet.chksum
        if IP(raw(packet)).chksum != wire:
            raise Refused("IPv4 header checksum")
        packet = IP(data[:length])
    else:
        length = 40 + struct.unpack("!H", data[4:6])[0]
        packet = IPv6(data[:length])
    if length > len(data):
        raise Refused("an IP length over that of the frame")
    return packet


def main(device, rows):
    gateways = {row["peer"]: Gateway(row) for row in rows}
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
    link.bind((device, 0))
    own = link.getsockname()[4]
    fragments = Fragments()
    print("ready", flush=True)
    while True:
        frame, (_, _, kind, *_) = link.recvfrom(65536)
        if kind == socket.PACKET_OUTGOING or frame[12:14] not in (b"\x08\x00", b"\x86\xdd"):
            continue
        name = "?"
        try:
            packet = checked(frame[14:])
            gateway = gateways.get(packet.dst)
            packet = gateway and fragments.take(packet)
            if not packet:
                continue
            name = gateway.row["name"]
            answer = gateway.answer(gateway.open(packet))
        except Exception as why:
            print("%s: refused: %s: %s" % (name, type(why).__name__, why), file=sys.stderr, flush=True)
            if not isinstance(why, (Refused, ipsec.IPSecIntegrityError)):
                traceback.print_exc()
            continue
        for piece in cut(answer) if answer else []:
            link.send(frame[6:12] + own + struct.pack("!H", ETHERTYPE[piece.version]) + raw(piece))


if __name__ == "__main__":
    with open(sys.argv[2], encoding="utf-8") as file:
        main(sys.argv[1], json.load(file))
