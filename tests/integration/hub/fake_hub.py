"""A Hugging Face hub on the loopback: the requests that downloading a model makes, and the ways in
which they go wrong. Standard library alone."""

import contextlib
import hashlib
import http.server
import json
import threading
import urllib.parse

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def git_hash(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


class Server:
    """An HTTP server in a thread that notes what it is asked."""

    def __init__(self, answer):
        self.requests = []  # (method, path, headers)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *unused):
                pass

            def do_GET(self):
                outer.requests.append((self.command, self.path, dict(self.headers)))
                answer(self)

            do_HEAD = do_GET

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.http.server_address[1]

    def stop(self):
        self.http.shutdown()
        self.http.server_close()


def send(handler, status, headers, body=b""):
    handler.send_response(status)
    headers = dict(headers)
    headers.setdefault("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)


def send_range(handler, content, headers, max_bytes=None):
    """The content, or the part of it that a Range header asks for; the connection breaks after
    `max_bytes`."""
    begin = 0
    status = 200
    wanted = handler.headers.get("Range")
    if wanted:
        begin = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if begin >= len(content):
            return send(handler, 416, {"Content-Range": f"bytes */{len(content)}"})
        status = 206
        headers = {**headers,
                   "Content-Range": f"bytes {begin}-{len(content) - 1}/{len(content)}"}
    body = content[begin:]
    if max_bytes is None:
        return send(handler, status, headers, body)
    handler.send_response(status)
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body[:max_bytes])
    handler.wfile.flush()
    handler.close_connection = True


class FakeHub:
    """Repositories by name, each {file: content}. Files in `large` are served by a second server,
    another host to the client, as the hub's large file storage is."""

    def __init__(self):
        self.repos = {}
        self.large = set()
        self.token = None  # asked for if set
        self.extra_names = []  # listed besides the files
        self.break_after = None  # bytes of a large file, then the connection breaks; once per file
        self.broken = set()
        self.corrupt = set()  # large files that are not what their hash says
        self.store = Server(self.answer_store)
        self.hub = Server(self.answer_hub)

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.hub.port}"

    def stop(self):
        self.hub.stop()
        self.store.stop()

    def answer_hub(self, handler):
        path = urllib.parse.unquote(handler.path)
        if self.token and handler.headers.get("Authorization") != f"Bearer {self.token}":
            return send(handler, 401, {"X-Error-Code": "GatedRepo"}, b"{}")
        if path.startswith("/api/models/"):
            return self.answer_listing(handler, path.removeprefix("/api/models/"))
        for repo, files in self.repos.items():
            prefix = f"/{repo}/resolve/"
            if path.startswith(prefix):
                revision, _, name = path.removeprefix(prefix).partition("/")
                if name in files and revision in (COMMIT, "main"):
                    return self.answer_file(handler, repo, name, files[name])
                return send(handler, 404, {"X-Error-Code": "EntryNotFound"})
        return send(handler, 401, {"X-Error-Code": "RepoNotFound"})

    def answer_listing(self, handler, path):
        repo, _, revision = path.partition("/revision/")
        if repo not in self.repos:
            return send(handler, 401, {"X-Error-Code": "RepoNotFound"})
        if (revision or "main") not in ("main", "v1", "refs/pr/1", COMMIT):
            return send(handler, 404, {"X-Error-Code": "RevisionNotFound"})
        names = [*self.repos[repo], *self.extra_names]
        body = json.dumps({"id": repo, "sha": COMMIT, "private": False, "tags": [], "downloads": 0,
                           "siblings": [{"rfilename": name} for name in names]}).encode()
        return send(handler, 200, {"Content-Type": "application/json"}, body)

    def answer_file(self, handler, repo, name, content):
        headers = {"X-Repo-Commit": COMMIT}
        if name not in self.large:
            return send_range(handler, content, {**headers, "ETag": f'"{git_hash(content)}"'})
        return send(handler, 302, {
            **headers, "X-Linked-ETag": f'"{sha256(content)}"', "X-Linked-Size": str(len(content)),
            # Another name of the loopback: another host.
            "Location": f"http://localhost:{self.store.port}/{repo}/{name}"})

    def answer_store(self, handler):
        repo, _, name = handler.path.removeprefix("/").rpartition("/")
        content = self.repos[repo][name]
        if name in self.corrupt:
            content = bytes(len(content))
        headers = {"ETag": '"of-the-store"'}
        if handler.command == "GET" and self.break_after is not None and name not in self.broken:
            self.broken.add(name)
            with contextlib.suppress(OSError):
                send_range(handler, content, headers, self.break_after)
            return None
        return send_range(handler, content, headers)
