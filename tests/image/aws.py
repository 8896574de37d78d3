"""What gives AWS credentials, as a stub: STS, IAM Identity Center and its tokens, at one address."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs

LATER, EARLIER = "2099-01-01T00:00:00Z", "2020-01-01T00:00:00Z"
LATER_MS = 4_070_908_800_000
KEYS = f"""<Credentials><AccessKeyId>k</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
<SessionToken>t</SessionToken><Expiration>{LATER}</Expiration></Credentials>"""
PROFILES = """
[profile web]
role_arn = arn:aws:iam::111122223333:role/r
web_identity_token_file = {home}/token
[profile sso]
sso_session = s
sso_account_id = 111122223333
sso_role_name = r
[sso-session s]
sso_region = us-west-2
sso_start_url = https://example.com/start
[profile role]
role_arn = arn:aws:iam::111122223333:role/r
source_profile = keys
[profile keys]
aws_access_key_id = k
aws_secret_access_key = s
"""
EXPIRED = {
    "accessToken": "old",
    "expiresAt": EARLIER,
    "refreshToken": "r",
    "clientId": "c",
    "clientSecret": "s",
    "registrationExpiresAt": LATER,
    "region": "us-west-2",
    "startUrl": "https://example.com/start",
}


class Givers(BaseHTTPRequestHandler):
    """Each gives keys; whoever asks for something else is refused. Identity Center wants the new token."""

    def do_GET(self) -> None:
        """Identity Center: GetRoleCredentials."""
        keys = {"accessKeyId": "k", "secretAccessKey": "s", "sessionToken": "t", "expiration": LATER_MS}
        known = self.path.startswith("/federation/credentials") and self.headers["x-amz-sso_bearer_token"] == "new"
        self._say(200 if known else 403, json.dumps({"roleCredentials": keys} if known else {}))

    def do_POST(self) -> None:
        """STS, and CreateToken."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/token":
            self._say(200, json.dumps({"accessToken": "new", "expiresIn": 3600, "tokenType": "Bearer"}))
            return
        action = parse_qs(body).get("Action", [""])[0]
        answer = f"<{action}Response><{action}Result>{KEYS}</{action}Result></{action}Response>"
        self._say(200, answer) if action.startswith("AssumeRole") else self._say(403, "")

    def log_message(self, format: str, *args: object) -> None:
        """Be silent."""

    def _say(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


def write_profiles(home: Path) -> dict[str, str]:
    """The files of a user who has each kind of profile, and an Identity Center token that has expired; variables."""
    cache = home / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    (cache / f"{sha1(b's', usedforsecurity=False).hexdigest()}.json").write_text(json.dumps(EXPIRED))
    (home / ".aws" / "config").write_text(PROFILES.format(home=home))
    (home / "token").write_text("a web identity")
    return {"HOME": str(home), "AWS_EC2_METADATA_DISABLED": "true", "AWS_DEFAULT_REGION": "us-west-2"}


@contextmanager
def givers() -> Iterator[dict[str, str]]:
    """They answer; the variables that lead to them, and EC2 and DynamoDB to them too, who refuse."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Givers)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}", "NO_PROXY": "127.0.0.1"}
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
