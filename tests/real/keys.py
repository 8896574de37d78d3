"""The files that a real API server needs before it starts: the key of ServiceAccount tokens, and the list of users.

And the kubeconfig files by which clients reach it. Everything lives in the test's own folder and dies with it.
"""

import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

ADMIN_TOKEN = "admin"  # a name, not a secret: the server listens on loopback, for one test


def write_signing_key(path: Path) -> Path:
    """A new RSA key, which signs and verifies the tokens of ServiceAccounts."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    return path


def write_users(path: Path) -> Path:
    """The token file of one user, who may do everything (the group system:masters passes RBAC)."""
    path.write_text(f'{ADMIN_TOKEN},admin,admin,"system:masters"\n')
    return path


def write_kubeconfig(path: Path, *, server: str, ca: Path, token: str) -> Path:
    """A kubeconfig with one context. JSON is YAML, so every client reads it."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "real",
        "contexts": [{"name": "real", "context": {"cluster": "real", "user": "user"}}],
        "clusters": [{"name": "real", "cluster": {"server": server, "certificate-authority": str(ca)}}],
        "users": [{"name": "user", "user": {"token": token}}],
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(config, indent=2))
    return path
