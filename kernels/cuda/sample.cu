#include <cfloat>

#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.h"
#include "kernels/sample.h"

// Nothing is sorted. A limit, and the draw itself, is the same question: up to which token, most
// likely first, must one go for so much of the probability? It is answered digit by digit: how much
// falls on each value of a digit is counted, and only the tokens of one value are looked at next.
// Source of the search by counting: Alabi et al. 2012, "Fast k-selection algorithms for graphics
// processing units".

namespace quire::kernels::cuda {
namespace {

constexpr int kThreads = 512;
constexpr int kDigitBits = 8;
constexpr int kBins = 1 << kDigitBits;
constexpr int kIdBits = 24;

// A token's key: how many temperatures its logit is below the largest, in steps of 2^-22. Keys of
// the first digit are then an eighth apart, and the tokens of a model lie in many of them. What is
// 32 or more below has a probability of less than 2^-46 and is left out.
constexpr int kKeyBits = 27;
constexpr float kReach = 32.0f;
constexpr float kKeysPerTemperature = 4194304.0f;

// Weights in fixed point: integers add up to the same sum in any order. The most likely token has
// 2^39, so that as many tokens fit as have ids.
using Mass = unsigned long long;
constexpr float kMassOfOne = 549755813888.0f;

// The logits of a row and which tokens are left of it.
struct Candidates {
  const float* logits;
  const std::uint32_t* mask;  // or null
  int vocab_size;
  float temperature;
  float max = 0.0f;
  // The last one in the order, which ids decide among equal keys.
  unsigned last_key = ~0u;
  unsigned last_id = ~0u;
  float min_weight = 0.0f;
};

// The logit of a token, kMaskedLogit without the mask's leave.
__device__ float LogitOf(const Candidates& candidates, int id) {
  const bool is_masked =
      candidates.mask != nullptr && (candidates.mask[id / 32] >> (id % 32) & 1) == 0;
  return is_masked ? kMaskedLogit : candidates.logits[id];
}

struct Candidate {
  bool is_left = false;
  unsigned key = 0;
  Mass mass = 0;
};

__device__ Candidate At(const Candidates& candidates, int id) {
  const float logit = LogitOf(candidates, id);
  const float below = (candidates.max - logit) / candidates.temperature;
  if (logit == kMaskedLogit || !(below < kReach)) return {};
  const auto key = static_cast<unsigned>(below * kKeysPerTemperature);
  if (key > candidates.last_key) return {};
  if (key == candidates.last_key && static_cast<unsigned>(id) > candidates.last_id) return {};
  const float weight = expf(-below);
  if (weight < candidates.min_weight) return {};
  return {true, key, static_cast<Mass>(weight * kMassOfOne)};
}

// What the threads of a block share.
struct Shared {
  Mass mass[kBins];
  Mass up_to[kBins];  // of this bin and those before it
  unsigned count[kBins];
  int bin;      // the one that is sought
  Mass before;  // of all bins before it
  Mass total;
  int id;
  float partial[kThreads / kWarpSize];
};

// Where a search has come to.
struct Search {
  Mass need;           // of the tokens that are left; at least 1
  unsigned found = 0;  // the digits so far
  unsigned count = 0;  // tokens that share them
};

// Finds the next digit of `search`. `visit(add)` calls add(digit, mass) for every token that shares
// the digits so far. False if all of them have less than is needed. Every thread of the block must
// call it.
template <typename Visit>
__device__ bool FindDigit(Shared& shared, int bits, Search& search, Visit visit) {
  const int thread = static_cast<int>(threadIdx.x);
  if (thread < kBins) {
    shared.mass[thread] = 0;
    shared.count[thread] = 0;
  }
  if (thread == 0) shared.bin = kBins;
  __syncthreads();
  visit([&](unsigned digit, Mass mass) {
    atomicAdd(&shared.mass[digit], mass);
    atomicAdd(&shared.count[digit], 1u);
  });
  __syncthreads();
  if (thread < kBins) shared.up_to[thread] = shared.mass[thread];
  for (int offset = 1; offset < kBins; offset *= 2) {
    __syncthreads();
    const bool adds = thread < kBins && thread >= offset;
    const Mass more = adds ? shared.up_to[thread - offset] : 0;
    __syncthreads();
    if (adds) shared.up_to[thread] += more;
  }
  if (thread < kBins) {
    const Mass before = shared.up_to[thread] - shared.mass[thread];
    if (before < search.need && search.need <= shared.up_to[thread]) {
      shared.bin = thread;
      shared.before = before;
    }
  }
  __syncthreads();
  const int bin = shared.bin;
  if (bin < kBins) {
    search.need -= shared.before;
    search.found = search.found << bits | static_cast<unsigned>(bin);
    search.count = shared.count[bin];
  }
  __syncthreads();  // the next call writes what was read here
  return bin < kBins;
}

// Calls use(id, candidate) for every token that is left, on one thread each.
template <typename Use>
__device__ void ForEach(const Candidates& candidates, Use use) {
  for (int id = static_cast<int>(threadIdx.x); id < candidates.vocab_size; id += kThreads) {
    const Candidate candidate = At(candidates, id);
    if (candidate.is_left) use(id, candidate);
  }
}

// The id at which the tokens for which `is_wanted` have `search.need`, lower ids first.
template <typename IsWanted>
__device__ unsigned FindId(Shared& shared, const Candidates& candidates, bool by_count,
                           Search search, IsWanted is_wanted) {
  search.found = 0;
  for (int shift = kIdBits - kDigitBits; shift >= 0; shift -= kDigitBits) {
    FindDigit(shared, kDigitBits, search, [&](auto add) {
      ForEach(candidates, [&](int id, const Candidate& candidate) {
        const auto digits = static_cast<unsigned>(id) >> shift;
        if (digits >> kDigitBits != search.found || !is_wanted(candidate)) return;
        add(digits % kBins, by_count ? 1 : candidate.mass);
      });
    });
  }
  return search.found;
}

// The same among tokens of one key, which mostly is that of a single token.
__device__ unsigned FindIdOfKey(Shared& shared, const Candidates& candidates, bool by_count,
                                const Search& search, unsigned key) {
  if (search.count > 1) {
    return FindId(shared, candidates, by_count, search,
                  [&](const Candidate& candidate) { return candidate.key == key; });
  }
  ForEach(candidates, [&](int id, const Candidate& candidate) {
    if (candidate.key == key) shared.id = id;
  });
  __syncthreads();
  return static_cast<unsigned>(shared.id);
}

// Leaves the first tokens in the order until they have `need`, of mass or, by count, of one each;
// all if they have less. Returns the id of the last one left.
__device__ unsigned KeepFirst(Shared& shared, Candidates& candidates, bool by_count, Mass need) {
  Search search = {need};
  for (int shift = kKeyBits; shift > 0;) {
    const int bits = shift < kDigitBits ? shift : kDigitBits;
    shift -= bits;
    const bool found = FindDigit(shared, bits, search, [&](auto add) {
      ForEach(candidates, [&](int, const Candidate& candidate) {
        const unsigned digits = candidate.key >> shift;
        if (digits >> bits != search.found) return;
        add(digits & ((1u << bits) - 1), by_count ? 1 : candidate.mass);
      });
    });
    if (!found) return candidates.last_id;
  }
  const unsigned key = search.found;
  candidates.last_id = FindIdOfKey(shared, candidates, by_count, search, key);
  candidates.last_key = key;
  return candidates.last_id;
}

__device__ Mass TotalMass(Shared& shared, const Candidates& candidates) {
  if (threadIdx.x == 0) shared.total = 0;
  __syncthreads();
  Mass mine = 0;
  ForEach(candidates, [&](int, const Candidate& candidate) { mine += candidate.mass; });
  atomicAdd(&shared.total, mine);
  __syncthreads();
  const Mass total = shared.total;
  __syncthreads();
  return total;
}

// Sets candidates.max. False if a logit is not finite.
__device__ bool FindMax(Shared& shared, Candidates& candidates) {
  float max = -INFINITY;
  bool is_damaged = false;
  for (int id = static_cast<int>(threadIdx.x); id < candidates.vocab_size; id += kThreads) {
    is_damaged |= !(fabsf(candidates.logits[id]) <= FLT_MAX);
    max = fmaxf(max, LogitOf(candidates, id));
  }
  if (__syncthreads_or(is_damaged)) return false;
  max = WarpMax(max);
  if (threadIdx.x % kWarpSize == 0) shared.partial[threadIdx.x / kWarpSize] = max;
  __syncthreads();
  for (int i = 0; i < kThreads / kWarpSize; ++i) max = fmaxf(max, shared.partial[i]);
  candidates.max = max;
  return true;
}

// The lowest id of those with the largest logit.
__device__ int MostLikely(Shared& shared, const Candidates& candidates) {
  if (threadIdx.x == 0) shared.id = candidates.vocab_size;
  __syncthreads();
  for (int id = static_cast<int>(threadIdx.x); id < candidates.vocab_size; id += kThreads) {
    if (LogitOf(candidates, id) == candidates.max) {
      atomicMin(&shared.id, id);
      break;
    }
  }
  __syncthreads();
  return shared.id;
}

__device__ unsigned Draw(Shared& shared, Candidates& candidates, const SampleRow& row) {
  if (row.top_k > 0 && row.top_k < candidates.vocab_size) {
    KeepFirst(shared, candidates, /*by_count=*/true, static_cast<Mass>(row.top_k));
  }
  if (row.top_p < 1.0f) {
    const Mass total = TotalMass(shared, candidates);
    const auto need = static_cast<Mass>(ceil(double{row.top_p} * static_cast<double>(total)));
    KeepFirst(shared, candidates, /*by_count=*/false, need < 1 ? 1 : need);
  }
  candidates.min_weight = row.min_p;
  const Mass total = TotalMass(shared, candidates);
  const auto at = static_cast<Mass>(row.uniform * static_cast<double>(total));
  const Mass need = (at < total ? at : total - 1) + 1;
  if (row.is_by_likelihood()) return KeepFirst(shared, candidates, /*by_count=*/false, need);
  return FindId(shared, candidates, /*by_count=*/false, {need},
                [](const Candidate&) { return true; });
}

// One thread per change.
__global__ void __launch_bounds__(kThreads)
    ChangeKernel(float* logits,               // [rows, vocab_size]
                 const LogitChange* changes,  // [num_changes]
                 std::int64_t num_changes, std::int64_t row_stride) {
  const std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= num_changes) return;
  float& logit = logits[changes[i].row * row_stride + changes[i].token];
  logit = changes[i].Of(logit);
}

// One block per row.
__global__ void __launch_bounds__(kThreads, 2)
    SampleKernel(const float* logits,         // [rows, vocab_size]
                 const SampleRow* rows,       // [rows]
                 const std::uint32_t* masks,  // [masks, MaskWords(vocab_size)]
                 std::int32_t* tokens,        // [rows]
                 std::int64_t vocab_size, std::int64_t row_stride) {
  __shared__ Shared shared;
  const SampleRow row = rows[blockIdx.x];
  const std::uint32_t* const mask =
      row.mask < 0 ? nullptr : masks + row.mask * MaskWords(vocab_size);
  Candidates candidates = {logits + blockIdx.x * row_stride, mask, static_cast<int>(vocab_size),
                           row.temperature};
  int token = kNoSample;
  if (FindMax(shared, candidates)) {
    token = row.is_greedy() ? MostLikely(shared, candidates)
                            : static_cast<int>(Draw(shared, candidates, row));
  }
  if (threadIdx.x == 0) tokens[blockIdx.x] = token;
}

}  // namespace

void Sample(const SampleArgs& args, Stream& stream) {
  auto& cuda = CudaStream::Bind(stream);
  if (args.logits.rows == 0) return;
  if (args.num_changes > 0) {
    const auto blocks = static_cast<unsigned>((args.num_changes + kThreads - 1) / kThreads);
    Launch(ChangeKernel, {blocks, kThreads}, cuda, Floats(args.logits), args.changes,
           args.num_changes, args.logits.row_stride);
  }
  Launch(SampleKernel, {static_cast<unsigned>(args.logits.rows), kThreads}, cuda,
         Floats(args.logits), args.rows, args.masks, args.tokens, args.logits.cols,
         args.logits.row_stride);
}

}  // namespace quire::kernels::cuda
