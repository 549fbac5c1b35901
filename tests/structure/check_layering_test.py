#!/usr/bin/env python3
"""Plants violations in small trees: check_layering.py must find each, and nothing else."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import check_layering  # noqa: E402


def run(files):
    """Returns the exit status and output of a check over `files`: name -> text."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            status = check_layering.main(root)
    return status, output.getvalue()


class CheckLayeringTest(unittest.TestCase):
    def expect_violation(self, name, text, message):
        status, output = run({name: text})
        self.assertEqual(status, 1, output)
        self.assertIn(message, output)
        self.assertEqual(len(output.splitlines()), 1, output)

    def expect_clean(self, files):
        status, output = run(files)
        self.assertEqual(status, 0, output)

    def test_allowed_includes_pass(self):
        self.expect_clean({
            "base/status.cc": '#include "base/status.h"\n#include <fmt/format.h>\n',
            "base/log.cc": "#include <spdlog/spdlog.h>\n",
            "kernels/device.h": '#pragma once\n#include <vector>\n#include "base/status.h"\n',
            "kernels/tensor.h": "#pragma once\n#include <cstdint>\n",
            "kernels/cuda/norm.cu": '#include <cuda_runtime.h>\n#include "kernels/tensor.h"\n',
            "kernels/cpu/norm-inl.h": '#include "kernels/tensor.h"\n#include <cmath>\n',
            "engine/engine.cc": '#include "engine/model/model.h"\n#include "kernels/device.h"\n',
            "engine/scheduler/scheduler.cc": '#include "engine/model/transformer.h"\n',
            "engine/model/loader.cc": '#include "engine/formats/safetensors.h"\n',
            "retrieval/index/faiss_index.cc": "#include <faiss/IndexFlat.h>\n",
            "retrieval/store/rocksdb_document_store.cc": "#include <rocksdb/db.h>\n",
            "services/inference/service.cc":
                '#include "engine/engine.h"\n'
                '#include "quire/inference/v1/inference.grpc.pb.h"\n'
                '#include "google/rpc/status.pb.h"\n',
            "services/cli/serve.cc": '#include "services/orchestrator/service.h"\n',
        })

    def test_names_file_and_line(self):
        _, output = run({"base/a.h": '#pragma once\n\n#include "kernels/tensor.h"\n'})
        self.assertEqual(output, "base/a.h:3: base may not include kernels/tensor.h\n")

    def test_base_depends_on_nothing_of_ours(self):
        self.expect_violation("base/a.h", '#include "quire/inference/v1/inference.pb.h"\n',
                              "base may not include quire/")

    def test_kernels_may_not_know_the_engine(self):
        self.expect_violation("kernels/a.cc", '#include "engine/engine.h"\n',
                              "kernels may not include engine/engine.h")

    def test_engine_is_free_of_grpc_protos_cuda_and_retrieval(self):
        for header in ("grpcpp/grpcpp.h", "quire/inference/v1/inference.pb.h", "cuda_runtime.h",
                       "google/protobuf/message.h", "retrieval/search/retriever.h"):
            with self.subTest(header):
                self.expect_violation("engine/a.cc", f"#include <{header}>\n", header)

    def test_retrieval_is_free_of_engine_and_grpc(self):
        for header in ("engine/engine.h", "grpcpp/channel.h", "services/server/server.h"):
            with self.subTest(header):
                self.expect_violation("retrieval/a.cc", f'#include "{header}"\n', header)

    def test_orchestrator_reaches_the_others_only_by_grpc(self):
        for header in ("engine/engine.h", "retrieval/search/retriever.h", "kernels/device.h",
                       "services/inference/service.h"):
            with self.subTest(header):
                self.expect_violation("services/orchestrator/a.cc", f'#include "{header}"\n', header)

    def test_services_do_not_know_each_other(self):
        self.expect_violation("services/retrieval/a.cc", '#include "services/inference/service.h"\n',
                              "services/retrieval may not include services/inference/service.h")

    def test_heavy_libraries_stay_in_their_adapters(self):
        for name, header in (("retrieval/search/a.cc", "faiss/Index.h"),
                             ("retrieval/store/document_store.h", "rocksdb/db.h"),
                             ("services/retrieval/a.cc", "rocksdb/db.h"),
                             ("kernels/cpu/a.cc", "cuda_runtime.h"),
                             ("engine/a.cc", "spdlog/spdlog.h"),
                             ("retrieval/a.cc", "nlohmann/json.hpp"),
                             ("base/a.cc", "CLI/CLI.hpp"),
                             ("engine/a.cc", "curl/curl.h"),
                             ("services/cli/a.cc", "yaml-cpp/yaml.h")):
            with self.subTest(f"{name} {header}"):
                self.expect_violation(name, f"#include <{header}>\n", f"may include {header}")

    def test_engine_parts_never_look_back(self):
        for name, header in (("engine/layers/a.h", "engine/model/model_config.h"),
                             ("engine/layers/a.h", "engine/scheduler/request.h"),
                             ("engine/formats/a.h", "engine/layers/linear.h"),
                             ("engine/model/a.h", "engine/scheduler/batch.h"),
                             ("engine/layers/a.h", "engine/quantization/gptq.h")):
            with self.subTest(f"{name} {header}"):
                self.expect_violation(name, f'#include "{header}"\n', header)

    def test_nothing_includes_tests(self):
        self.expect_violation("services/cli/a.cc", '#include "tests/support/test_files.h"\n',
                              "nothing includes tests/support/test_files.h")

    def test_inner_bodies_reach_no_status_and_no_containers(self):
        for name in ("kernels/cuda/norm.cu", "kernels/cuda/reduce.cuh", "kernels/cpu/norm-inl.h",
                     "kernels/cpu/microkernels_avx2.cc"):
            for header in ("base/status.h", "absl/status/status.h", "vector"):
                with self.subTest(f"{name} {header}"):
                    self.expect_violation(name, f"#include <{header}>\n",
                                          f"bodies may not reach {header}")

    def test_inner_bodies_reach_no_status_through_another_header(self):
        status, output = run({
            "kernels/cpu/norm-inl.h": '#include "kernels/norm.h"\n',
            "kernels/norm.h": '#include "kernels/tensor.h"\n',
            "kernels/tensor.h": '#include "base/status.h"\n',
        })
        self.assertEqual(status, 1)
        self.assertIn("kernels/cpu/norm-inl.h -> kernels/norm.h -> kernels/tensor.h -> "
                      "base/status.h", output)

    def test_engine_has_no_conditional_compilation(self):
        for line in ("#if defined(__AVX2__)", "#ifdef QUIRE_CUDA", "  # ifndef NDEBUG"):
            with self.subTest(line):
                self.expect_violation("engine/a.cc", line + "\n", "no conditional compilation")

    def test_an_empty_tree_is_an_error(self):
        self.assertEqual(run({"README.md": ""})[0], 1)


if __name__ == "__main__":
    unittest.main()
