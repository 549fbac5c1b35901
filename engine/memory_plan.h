#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernels/tensor.h"

namespace quire::engine {

// What a model takes of memory, a KV cache apart. Weights that stay in a mapped file
// count in full: decoding reads them all. Scratch of the kernels, a few MiB, is not counted.
struct ModelMemory {
  std::int64_t weight_bytes = 0;
  std::int64_t workspace_bytes = 0;  // activations, logits and index arrays

  std::int64_t total_bytes() const { return weight_bytes + workspace_bytes; }
};

// The KV cache of a language model.
struct KvMemory {
  std::int64_t size_bytes = 0;
  std::int64_t host_tier_bytes = 0;
  std::int32_t num_blocks = 0;
  std::int32_t block_size = 0;  // tokens
  kernels::DType dtype = kernels::DType::kF32;
  std::int32_t context_tokens = 0;  // of the largest request that is taken
};

// Who gets the memory that one process computes in.
struct MemoryPlan {
  std::string device;                // whose it is; empty: the host's
  std::int64_t available_bytes = 0;  // before anything was loaded
  std::optional<ModelMemory> embedding;
  std::optional<ModelMemory> reranking;
  std::optional<ModelMemory> language;
  KvMemory kv;

  // Of that memory: a host tier beside a device's own is not.
  std::int64_t total_bytes() const;
};

// Lines for a log, in units for people: what is planned of what there is, and a line more if that
// is too much.
std::vector<std::string> Describe(const MemoryPlan& plan);

// "1.9 GiB of weights and 98.0 MiB of workspace"
std::string Describe(const ModelMemory& model);

}  // namespace quire::engine
