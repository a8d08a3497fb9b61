#!/usr/bin/python3
"""
scapy's ISAKMP layer, for isakmp_codec_test.ts: messages in hex to values and back. Reads one JSON object from standard
input and writes one to standard output.

    {"read": ["0102..."]}             each message's header, payloads and transforms
    {"write": [[["Encryption", ...]]]}  for each list of transforms a Main Mode message that offers them
"""

import json
import sys

from scapy.layers.isakmp import (ISAKMP, ISAKMP_payload_Proposal, ISAKMP_payload_SA,
                                 ISAKMP_payload_Transform, ISAKMP_payload_VendorID)

COOKIE = b"\x01\x02\x03\x04\x05\x06\x07\x08"


def read(text):
    message = ISAKMP(bytes.fromhex(text))
    payloads, transforms = [], []
    layer = message.payload
    while layer and layer.name != "Raw":
        payloads.append([layer.name, layer.length])
        if isinstance(layer, ISAKMP_payload_SA):
            one = layer.prop.trans
            while isinstance(one, ISAKMP_payload_Transform):
                transforms.append(one.transforms)
                one = one.payload
        layer = layer.payload
    return {
        "exchange": message.exch_type,
        "id": message.id,
        "length": message.length,
        "payloads": payloads,
        "transforms": transforms,
    }


def write(transforms):
    chain = None
    for number, attributes in enumerate(transforms):
        one = ISAKMP_payload_Transform(num=number, transforms=[tuple(pair) for pair in attributes])
        chain = one if chain is None else chain / one
    proposal = ISAKMP_payload_Proposal(trans_nb=len(transforms), trans=chain)
    message = ISAKMP(init_cookie=COOKIE, exch_type=2) / ISAKMP_payload_SA(prop=proposal)
    return bytes(message / ISAKMP_payload_VendorID(load=b"scapy")).hex()


wanted = json.load(sys.stdin)
json.dump({
    "read": [read(one) for one in wanted["read"]],
    "write": [write(one) for one in wanted["write"]],
}, sys.stdout)
