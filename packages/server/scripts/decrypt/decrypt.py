"""Opens answers of validatepan with the package `cryptography`: <key.pem> <algorithm>, one encdata a line."""

import base64
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


def from_url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def open_jwe(key, text):
    header, wrapped, nonce, content, tag = text.split(".")
    content_key = key.decrypt(from_url(wrapped), OAEP)
    both = from_url(content) + from_url(tag)
    return AESGCM(content_key).decrypt(from_url(nonce), both, header.encode("ascii"))


def main(path, algorithm):
    with open(path, "rb") as file:
        key = serialization.load_pem_private_key(file.read(), password=None)
    for line in sys.stdin.read().split("\n"):
        if algorithm == "jwe":
            clear = open_jwe(key, line)
        else:
            form = OAEP if algorithm == "rsa-oaep-256" else padding.PKCS1v15()
            clear = key.decrypt(base64.b64decode(line), form)
        print(clear.decode("utf-8"))


main(*sys.argv[1:])
