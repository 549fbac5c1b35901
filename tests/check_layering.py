#!/usr/bin/env python3
"""Fails if a file includes a header its folder may not depend on. Run: check_layering.py ROOT."""

import pathlib
import re
import sys

# Folder -> folders it may include, besides itself. "quire" is generated from proto/.
ALLOWED = {
    "base": [],
    "kernels": ["base"],
    "engine": ["base", "kernels"],
    "retrieval": ["base", "kernels"],
    "services/server": ["base", "quire"],
    "services/hub": ["base"],
    "services/inference": ["base", "engine", "kernels", "services/hub", "services/server", "quire"],
    "services/retrieval": ["base", "retrieval", "services/server", "quire"],
    "services/orchestrator": ["base", "services/server", "quire"],
    "services/cli": ["base", "engine", "kernels", "services/hub", "services/server",
                     "services/inference", "services/retrieval", "services/orchestrator", "quire"],
}
# Start of a third-party include -> starts of the only paths that may use it.
CONFINED = {
    "cuda": ["kernels/cuda/"],
    "cublas": ["kernels/cuda/"],
    "faiss/": ["retrieval/index/faiss_"],
    "rocksdb/": ["retrieval/store/rocksdb_"],
    "grpc": ["services/"],
    "google/": ["services/"],
    "spdlog/": ["base/log."],
    "nlohmann/": ["engine/", "services/"],
    "prometheus/": ["services/server/"],
    "yaml-cpp/": ["services/server/"],
    "CLI/": ["services/"],
    "curl/": ["services/hub/http_client."],
}
# Inside engine/ a file includes its own part and those before it: a layer is given its weights.
ENGINE_ORDER = ["engine/formats/", "engine/layers/", "engine/model/", "engine/scheduler/",
                "engine/quantization/"]
# Bodies compiled by nvcc or once per instruction set: what they include, directly or not, must hold
# neither Status nor std containers, whose inline functions the linker would share.
INNER_BODY = re.compile(r"kernels/.*(\.cuh?|-inl\.h|/microkernels_[a-z0-9]+\.cc)$")
INNER_REFUSED = re.compile(r"(base|absl|fmt)/|(array|deque|list|map|set|string|unordered_map"
                           r"|unordered_set|vector)$")
INCLUDE = re.compile(r'^\s*#\s*include [<"]([^">]+)')
CONDITIONAL = re.compile(r"^\s*#\s*(if|ifdef|ifndef)\b")
SOURCES = {".h", ".cc", ".cu", ".cuh"}


def owner(path):
    """Returns the longest ALLOWED key that holds `path`, or the path's first component."""
    return max((k for k in ALLOWED if path.startswith(k + "/")), key=len, default=path.split("/")[0])


def engine_rank(path):
    return next((i for i, part in enumerate(ENGINE_ORDER) if path.startswith(part)), None)


def violation(name, header):
    """Returns why file `name` may not include `header`, or None."""
    for start, places in CONFINED.items():
        if header.startswith(start) and not name.startswith(tuple(places)):
            return f"only {', '.join(places)} may include {header}"
    source, target = owner(name), owner(header)
    if target in {"tests", "deploy"}:
        return f"nothing includes {header}"
    ours = target in ALLOWED or target == "quire"
    if ours and target != source and target not in ALLOWED[source]:
        return f"{source} may not include {header}"
    rank, needed = engine_rank(name), engine_rank(header)
    if rank is not None and needed is not None and needed > rank:
        return f"{ENGINE_ORDER[rank]} may not include {header}"
    return None


class Tree:
    """The sources below a root with their include lines."""

    def __init__(self, root):
        self.lines = {}
        for folder in {key.split("/")[0] for key in ALLOWED}:
            for file in (root / folder).rglob("*"):
                name = file.relative_to(root).as_posix()
                if file.suffix in SOURCES and owner(name) in ALLOWED:
                    self.lines[name] = file.read_text().splitlines()
        self.includes = {name: [(number, match.group(1)) for number, line in enumerate(lines, 1)
                                if (match := INCLUDE.match(line))]
                         for name, lines in self.lines.items()}

    def path_to_refused(self, name, seen):
        """Returns the includes that lead from inner body `name` to a refused header, or []."""
        for _, header in self.includes.get(name, []):
            if INNER_REFUSED.match(header):
                return [name, header]
            if header not in seen:
                seen.add(header)
                if path := self.path_to_refused(header, seen):
                    return [name, *path]
        return []

    def errors(self):
        errors = []
        for name in sorted(self.lines):
            for number, header in self.includes[name]:
                if reason := violation(name, header):
                    errors.append(f"{name}:{number}: {reason}")
            if INNER_BODY.match(name) and (path := self.path_to_refused(name, set())):
                errors.append(f"{name}:1: bodies may not reach {path[-1]}: {' -> '.join(path)}")
            if name.startswith("engine/"):
                errors += [f"{name}:{number}: no conditional compilation above kernels/"
                           for number, line in enumerate(self.lines[name], 1)
                           if CONDITIONAL.match(line)]
        return errors


def main(root):
    tree = Tree(root)
    errors = tree.errors()
    print("\n".join(errors) if errors else f"{len(tree.lines)} files keep to their layers")
    return 1 if errors or not tree.lines else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
