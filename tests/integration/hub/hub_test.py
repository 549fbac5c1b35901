#!/usr/bin/env python3
"""Downloads of `quire` from a fake hub, and the cache that it shares with huggingface_hub.

Run from the source folder: hub_test.py FOLDER_OF_PROGRAMS
Where huggingface_hub is installed, it must find what quire downloaded, and quire what it did; else
its layout is checked and written by hand.
"""

import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from fake_hub import COMMIT, FakeHub, git_hash, sha256

FIXTURE = pathlib.Path("tests/golden/engine/fixtures/rerank_bert")
MODEL_FILES = ("config.json", "tokenizer.json", "model.safetensors")
TOKEN = "hf_secret"
HAS_PACKAGE = importlib.util.find_spec("huggingface_hub") is not None


class HubTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="quire-hub-")
        self.home = pathlib.Path(self.folder.name)
        self.cache = self.home / "hf" / "hub"
        self.hub = FakeHub()
        files = {name: (FIXTURE / name).read_bytes() for name in MODEL_FILES}
        # What no model needs is not asked for.
        self.hub.repos["org/judge"] = {
            **files, "README.md": b"# Judge\n", "pytorch_model.bin": b"pickle",
            "onnx/model.onnx": b"onnx"}
        self.hub.large = {"model.safetensors"}
        self.files = files

    def tearDown(self):
        self.hub.stop()
        self.folder.cleanup()

    def environment(self, **changes):
        return {**os.environ, "HOME": str(self.home), "HF_HOME": str(self.home / "hf"),
                "HF_ENDPOINT": self.hub.endpoint, "QUIRE_DATA_DIR": str(self.home / "data"),
                "XDG_CONFIG_HOME": str(self.home), "no_proxy": "*", "NO_PROXY": "*", **changes}

    def start(self, *arguments, program="quire", **changes):
        return subprocess.Popen([PROGRAMS / program, *arguments], env=self.environment(**changes),
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def quire(self, *arguments, stdin="", **changes):
        process = self.start(*arguments, **changes)
        process.out, process.err = process.communicate(stdin, timeout=120)
        return process

    def pull(self, model="hf:org/judge", expected=0, **changes):
        result = self.quire("models", "pull", model, **changes)
        self.assertEqual(result.returncode, expected, result.err)
        return result

    @property
    def repo(self):
        return self.cache / "models--org--judge"

    def check_layout(self, repo, files):
        """As huggingface_hub's documentation of its cache has it."""
        self.assertEqual((repo / "refs" / "main").read_text(), COMMIT)
        snapshot = repo / "snapshots" / COMMIT
        found = {str(path.relative_to(snapshot)) for path in snapshot.rglob("*")
                 if not path.is_dir()}
        self.assertEqual(found, set(files))
        for name, content in files.items():
            etag = sha256(content) if name in self.hub.large else git_hash(content)
            link = snapshot / name
            up = "../" * (2 + name.count("/"))
            self.assertEqual(os.readlink(link), f"{up}blobs/{etag}")
            self.assertEqual(link.read_bytes(), content)
        self.assertEqual(len(list((repo / "blobs").iterdir())), len(set(files.values())))

    def test_a_model_is_downloaded_once_and_used(self):
        result = self.pull()
        self.assertEqual(result.out, f"{self.repo / 'snapshots' / COMMIT}\n")
        self.check_layout(self.repo, self.files)
        asked = [path for _, path, _ in self.hub.hub.requests]
        self.assertFalse([path for path in asked if "README" in path or ".bin" in path])
        # Again: the list alone.
        del self.hub.hub.requests[:], self.hub.store.requests[:]
        self.pull()
        self.assertEqual([path for _, path, _ in self.hub.hub.requests],
                         ["/api/models/org/judge/revision/main"])
        self.assertEqual(self.hub.store.requests, [])
        reranked = self.quire("rerank", "--model", "hf:org/judge", "--query", "who?",
                              stdin='"one"\n"two"\n')
        self.assertEqual(reranked.returncode, 0, reranked.err)
        by_path = self.quire("rerank", "--model", str(FIXTURE), "--query", "who?",
                             stdin='"one"\n"two"\n')
        self.assertEqual(reranked.out, by_path.out)

    def test_the_token_stays_with_the_hub(self):
        self.hub.token = TOKEN
        refused = self.pull(expected=5)
        self.assertIn("HF_TOKEN", refused.err)
        self.pull(HF_TOKEN=TOKEN)
        self.assertTrue(self.hub.store.requests)
        for _, _, headers in self.hub.store.requests:
            self.assertNotIn("Authorization", headers)
            self.assertNotIn(TOKEN, str(headers))

    def test_a_broken_download_goes_on_where_it_stopped(self):
        self.hub.break_after = 10_000
        self.pull()
        ranges = [headers.get("Range") for method, _, headers in self.hub.store.requests
                  if method == "GET"]
        self.assertEqual(ranges, [None, "bytes=10000-"])
        self.check_layout(self.repo, self.files)

    def test_what_an_earlier_process_left_is_used(self):
        content = self.files["model.safetensors"]
        blobs = self.repo / "blobs"
        blobs.mkdir(parents=True)
        (blobs / f"{sha256(content)}.incomplete").write_bytes(content[:777])
        self.pull()
        self.assertEqual(self.hub.store.requests[-1][2].get("Range"), "bytes=777-")
        self.check_layout(self.repo, self.files)

    def test_a_wrong_content_is_thrown_away(self):
        self.hub.corrupt = {"model.safetensors"}
        result = self.pull(expected=6)
        self.assertIn("model.safetensors: wanted the content with the hash", result.err)
        content = self.files["model.safetensors"]
        self.assertFalse((self.repo / "blobs" / sha256(content)).exists())
        self.assertFalse((self.repo / "blobs" / f"{sha256(content)}.incomplete").exists())
        # Bytes of an earlier, wrong download do not spoil the next one for ever.
        self.hub.corrupt = set()
        self.pull()
        self.check_layout(self.repo, self.files)

    def test_names_that_lead_elsewhere_are_refused(self):
        for name in ("../../../evil", "/etc/evil", "a/../../evil"):
            self.hub.extra_names = [name]
            result = self.pull(expected=6)
            self.assertIn("inside the repository", result.err)
        self.assertFalse(self.repo.exists())

    def test_offline_and_without_a_hub_the_download_is_found(self):
        missing = self.pull(expected=3, HF_HUB_OFFLINE="1")
        self.assertIn("HF_HUB_OFFLINE", missing.err)
        self.pull()
        del self.hub.hub.requests[:]
        self.assertIn(COMMIT, self.pull(HF_HUB_OFFLINE="1").out)
        self.assertEqual(self.hub.hub.requests, [])
        away = self.pull(HF_ENDPOINT="http://127.0.0.1:9")
        self.assertIn(COMMIT, away.out)
        self.assertIn("going on with", away.err)
        self.assertEqual(self.pull("hf:org/other", expected=4,
                                   HF_ENDPOINT="http://127.0.0.1:9").out, "")

    def test_what_the_hub_does_not_have_is_not_found(self):
        self.pull("hf:org/none", expected=3)
        self.pull("hf:org/judge@nowhere", expected=3)
        self.pull("hf:org/judge/none.gguf", expected=3)
        self.pull("hf:org/../judge", expected=2)
        self.hub.repos["org/pickled"] = {"config.json": b"{}", "pytorch_model.bin": b"x"}
        self.assertIn("pickle", self.pull("hf:org/pickled", expected=6).err)

    def test_revisions_are_kept_apart(self):
        for revision in ("v1", "refs/pr/1", COMMIT):
            self.assertIn(COMMIT, self.pull(f"hf:org/judge@{revision}").out)
        self.assertEqual((self.repo / "refs" / "v1").read_text(), COMMIT)
        self.assertEqual((self.repo / "refs" / "refs" / "pr" / "1").read_text(), COMMIT)
        self.assertFalse((self.repo / "refs" / COMMIT).exists())

    def test_shards_and_modules_are_found_by_their_lists(self):
        shards = {f"model-{i}-of-2.safetensors": bytes([i]) * 100 for i in (1, 2)}
        index = {"weight_map": {f"w{i}": name for i, name in enumerate(shards)}}
        modules = [{"type": "x.Transformer", "path": ""}, {"type": "x.Pooling", "path": "1_Pooling"}]
        files = {"config.json": b"{}", "model.safetensors.index.json": json.dumps(index).encode(),
                 "modules.json": json.dumps(modules).encode(), "1_Pooling/config.json": b"{ }",
                 **shards}
        self.hub.repos["org/sharded"] = {**files, "other.safetensors": b"not in the index"}
        self.pull("hf:org/sharded")
        self.check_layout(self.cache / "models--org--sharded", files)

    def test_one_gguf_file_is_downloaded_alone(self):
        gguf = pathlib.Path("tests/golden/engine/fixtures/gguf_q8_0/model.gguf").read_bytes()
        self.hub.repos["org/quants"] = {"a-q8.gguf": gguf, "a-q4.gguf": b"other"}
        self.assertIn("hf:org/quants/a-q8.gguf", self.pull("hf:org/quants", expected=6).err)
        result = self.pull("hf:org/quants/a-q8.gguf")
        self.assertTrue(result.out.endswith(f"snapshots/{COMMIT}/a-q8.gguf\n"))
        self.check_layout(self.cache / "models--org--quants", {"a-q8.gguf": gguf})

    def test_two_downloads_share_the_work(self):
        both = [self.start("models", "pull", "hf:org/judge") for _ in range(2)]
        for process in both:
            self.assertIn(COMMIT, process.communicate(timeout=120)[0])
            self.assertEqual(process.returncode, 0)
        self.check_layout(self.repo, self.files)
        gets = [path for method, path, _ in self.hub.store.requests if method == "GET"]
        self.assertEqual(len(gets), 1)

    def test_downloads_are_listed_shown_and_removed(self):
        self.assertEqual(self.quire("models", "show", "hf:org/judge").returncode, 3)
        self.pull()
        self.assertIn("hf:org/judge", self.quire("models", "ls").out)
        shown = self.quire("models", "show", "hf:org/judge")
        self.assertEqual(shown.returncode, 0, shown.err)
        self.assertEqual(json.loads(shown.out)["name"], "models/judge")
        self.assertTrue(json.loads(shown.out)["canRerank"])
        self.assertEqual(self.quire("models", "rm", "hf:org/judge", "--yes").returncode, 0)
        self.assertFalse(self.repo.exists())
        self.assertEqual(self.quire("models", "rm", "hf:org/judge", "--yes").returncode, 3)

    def test_a_server_downloads_its_models(self):
        process = self.start("--rerank-model", "hf:org/judge", "--port", "0",
                             program="quire-inference")
        try:
            lines = []
            for line in process.stderr:
                lines.append(line)
                if "reranking model judge" in line:
                    break
            else:
                self.fail("".join(lines))
        finally:
            process.terminate()
            process.communicate(timeout=60)
        self.assertTrue(any("downloading model.safetensors" in line for line in lines))

    def test_huggingface_hub_finds_what_quire_downloaded(self):
        self.pull()
        if not HAS_PACKAGE:
            return self.check_layout(self.repo, self.files)
        script = ("import huggingface_hub as h\n"
                  "print(h.snapshot_download('org/judge', local_files_only=True))\n"
                  "print(h.try_to_load_from_cache('org/judge', 'config.json'))\n"
                  "print(len(list(h.scan_cache_dir().repos)), h.scan_cache_dir().warnings)")
        result = self.run_package(script, HF_HUB_OFFLINE="1")
        snapshot = self.repo / "snapshots" / COMMIT
        self.assertEqual(result.splitlines(),
                         [str(snapshot), str(snapshot / "config.json"), "1 []"])

    def test_quire_finds_what_huggingface_hub_downloaded(self):
        if HAS_PACKAGE:
            script = ("import huggingface_hub as h\n"
                      f"h.snapshot_download('org/judge', allow_patterns={list(MODEL_FILES)!r})")
            self.run_package(script)
        else:
            self.write_layout()
        del self.hub.hub.requests[:], self.hub.store.requests[:]
        self.assertIn(COMMIT, self.pull(HF_HUB_OFFLINE="1").out)
        # Online nothing is downloaded again either.
        self.pull()
        self.assertEqual([path for _, path, _ in self.hub.hub.requests],
                         ["/api/models/org/judge/revision/main"])

    def run_package(self, script, **changes):
        result = subprocess.run([sys.executable, "-c", script], env=self.environment(
            HF_HUB_DISABLE_XET="1", HF_HUB_DISABLE_TELEMETRY="1", **changes),
            capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def write_layout(self):
        snapshot = self.repo / "snapshots" / COMMIT
        for folder in (snapshot, self.repo / "blobs", self.repo / "refs"):
            folder.mkdir(parents=True)
        (self.repo / "refs" / "main").write_text(COMMIT)
        for name, content in self.files.items():
            etag = sha256(content) if name in self.hub.large else git_hash(content)
            (self.repo / "blobs" / etag).write_bytes(content)
            (snapshot / name).symlink_to(f"../../blobs/{etag}")


if __name__ == "__main__":
    PROGRAMS = pathlib.Path(sys.argv.pop(1)).resolve()
    if not shutil.which(PROGRAMS / "quire"):
        sys.exit(f"{PROGRAMS}: no quire there")
    unittest.main()
