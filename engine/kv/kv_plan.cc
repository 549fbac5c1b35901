#include "engine/kv/kv_plan.h"

#include <algorithm>
#include <limits>
#include <string>

#include "engine/kv/block_table.h"
#include "engine/kv/memory_budget.h"

namespace quire::engine {
namespace {

// The product, or the largest number there is: more memory than any machine has.
std::int64_t SaturatingMultiply(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<std::int64_t>::max()
                                                : product;
}

std::int64_t ContextBytes(const KvDemand& demand, kernels::DType dtype) {
  KvCacheShape shape = demand.shape;
  shape.dtype = dtype;
  return SaturatingMultiply(NumBlocksFor(demand.context_tokens, shape.block_size),
                            KvBlockBytes(shape));
}

// Half a context per sequence is what a mix of prompts needs; more is of use to the prefix cache
// alone, so half of the host's free memory is left to others.
std::int64_t ChooseBudget(const KvDemand& demand, std::int64_t context_bytes,
                          std::int64_t free_bytes) {
  if (demand.in_own_memory) return free_bytes - free_bytes / 10;
  // Whole blocks even where half a context is less than one.
  const std::int64_t half_context_bytes = std::max(context_bytes / 2, KvBlockBytes(demand.shape));
  const std::int64_t budget_bytes =
      std::min(SaturatingMultiply(half_context_bytes, demand.max_sequences), free_bytes / 2);
  return context_bytes <= free_bytes ? std::max(budget_bytes, context_bytes) : free_bytes;
}

// What to do about a context that does not fit `have_bytes`.
std::string Advice(const KvDemand& demand, std::int64_t have_bytes) {
  std::string advice;
  const std::int64_t tokens = have_bytes / KvBlockBytes(demand.shape) * demand.shape.block_size;
  if (tokens > 0) advice = fmt::format("; --context-tokens {} would fit", tokens);
  for (const kernels::DType dtype : {kernels::DType::kBF16, kernels::DType::kI8}) {
    if (ContextBytes(demand, dtype) > have_bytes) continue;
    return advice + fmt::format("{} --kv-cache-type {}", advice.empty() ? ";" : ", or",
                                KvCacheTypeName(dtype));
  }
  return advice;
}

}  // namespace

StatusOr<std::int32_t> PlanKvBlocks(const KvDemand& demand, std::int64_t free_bytes) {
  const std::int64_t context_bytes = ContextBytes(demand, demand.shape.dtype);
  const std::int64_t budget_bytes = demand.budget_bytes > 0
                                        ? demand.budget_bytes
                                        : ChooseBudget(demand, context_bytes, free_bytes);
  if (budget_bytes < context_bytes) {
    return ResourceExhausted("KV cache: wanted {} for one context of {} tokens, have {}{}",
                             FormatMemory(context_bytes), demand.context_tokens,
                             FormatMemory(budget_bytes), Advice(demand, budget_bytes));
  }
  return NumKvBlocks(demand.shape, budget_bytes);
}

}  // namespace quire::engine
