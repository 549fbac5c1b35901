#include "engine/memory_plan.h"

#include <fmt/format.h>

#include "engine/kv/kv_cache.h"
#include "engine/kv/memory_budget.h"

namespace quire::engine {

std::string Describe(const ModelMemory& model) {
  return fmt::format("{} of weights and {} of workspace", FormatMemory(model.weight_bytes),
                     FormatMemory(model.workspace_bytes));
}

std::int64_t MemoryPlan::total_bytes() const {
  return kv.size_bytes + (device.empty() ? kv.host_tier_bytes : 0) +
         (language ? language->total_bytes() : 0) + (embedding ? embedding->total_bytes() : 0) +
         (reranking ? reranking->total_bytes() : 0);
}

std::vector<std::string> Describe(const MemoryPlan& plan) {
  const std::string memory = plan.device.empty() ? "memory" : "memory of " + plan.device;
  std::string line =
      fmt::format("{}: {} planned of {} available", memory, FormatMemory(plan.total_bytes()),
                  FormatMemory(plan.available_bytes));
  if (plan.language) {
    line += fmt::format(
        "; language model {}; KV cache {} ({}, {} blocks of {} tokens, contexts of up to {})",
        Describe(*plan.language), FormatMemory(plan.kv.size_bytes), KvCacheTypeName(plan.kv.dtype),
        plan.kv.num_blocks, plan.kv.block_size, plan.kv.context_tokens);
    if (plan.kv.host_tier_bytes > 0) {
      line += fmt::format("; its host tier {}{}", FormatMemory(plan.kv.host_tier_bytes),
                          plan.device.empty() ? "" : " of the host's memory");
    }
  }
  if (plan.embedding) line += "; embedding model " + Describe(*plan.embedding);
  if (plan.reranking) line += "; reranking model " + Describe(*plan.reranking);
  std::vector<std::string> lines = {std::move(line)};
  const std::int64_t excess = plan.total_bytes() - plan.available_bytes;
  if (excess > 0) {
    const std::int64_t fitting = plan.kv.size_bytes - excess;
    lines.push_back(
        fmt::format("{}: {} more than there is: expect {}{}", memory, FormatMemory(excess),
                    plan.device.empty() ? "swapping" : "steps to fail",
                    fitting > 0 ? fmt::format("; --kv-cache-bytes {} would fit", fitting) : ""));
  }
  return lines;
}

}  // namespace quire::engine
