#pragma once

#include <cstdint>

#include "base/status.h"
#include "engine/kv/kv_cache.h"

namespace quire::engine {

// What a language model is asked to serve.
struct KvDemand {
  KvCacheShape shape;
  std::int32_t context_tokens = 0;  // prompt and output together of the largest request
  std::int32_t max_sequences = 0;   // running at once
  std::int64_t budget_bytes = 0;    // for the cache; 0: as PlanKvBlocks finds best
  bool in_own_memory = false;       // of a device, which nobody else wants, and not the host's
};

// Blocks of the cache where there are `free_bytes` for it: as many as the budget holds. Without a
// budget, in the host's memory, room for `max_sequences` half-full contexts, at most half of what
// is free, at least one full context; in a device's own all but a tenth, which scratch memory of
// kernels and what they record come out of. Returns RESOURCE_EXHAUSTED if not one context fits,
// with the context that would fit and, where that helps, the type of the cache in which this one
// would.
StatusOr<std::int32_t> PlanKvBlocks(const KvDemand& demand, std::int64_t free_bytes);

}  // namespace quire::engine
