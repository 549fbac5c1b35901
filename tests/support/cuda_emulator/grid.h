#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

// Runs the threads of CUDA kernels on the CPU. Device code sees it through the headers in include/,
// which have CUDA's names.

// As CUDA declares them.
struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

// Of the thread that runs now: one grid runs at a time, one thread of it at a time.
extern uint3 threadIdx;
extern uint3 blockIdx;
extern dim3 blockDim;
extern dim3 gridDim;

namespace quire::cuda_emulator {

inline constexpr unsigned kWarpSize = 32;
inline constexpr unsigned kMaxThreads = 1024;
// What fresh memory holds, byte by byte: a NaN in every floating-point format.
inline constexpr int kPoison = 0xff;

struct GridShape {
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes = 0;  // dynamic
};

// Runs `body` once for every thread of the grid, block after block in an order that changes from
// launch to launch, and inside a block each thread to its next barrier or collective, forwards or
// backwards. Returns false after a fault, whose text LastFault() has and stderr gets.
//
// Thread-safe: calls take turns.
bool RunGrid(const GridShape& shape, const std::function<void()>& body);

std::string LastFault();

// --- For device code ---------------------------------------------------------------------------

// Ends the grid with an error.
[[noreturn]] void Fault(std::string what);

// What a barrier of the whole block knows of the predicates of its threads.
struct BarrierResult {
  int count = 0;  // of those that were not zero
  bool all = true;
};
// Waits for every thread of the block. A fault if one has left the kernel.
BarrierResult SyncBlock(int predicate = 1);

// Does something for the lanes of a warp together. `lanes`: [32] operands, null for lanes outside.
using CollectiveFn = void(void* const* lanes);
// Waits until every lane of `mask` has called this with the same `fn` and mask; the last one runs
// it. A fault if lanes differ or have left. `name`: for messages.
void Collective(const char* name, std::uint32_t mask, void* operand, CollectiveFn* fn);

unsigned LaneId();

// Whether QUIRE_EMULATOR_PLANT_ERROR has this name: then an instruction goes wrong, so that a suite
// can show that it notices. "shuffle": lane 0 gets its own value. "mma": a product is lost.
bool IsPlanted(const char* name);

// The dynamic shared memory of the block, aligned to 128 bytes and to no more.
unsigned char* DynamicShared();
// A fault unless [p, p + bytes) is shared memory of this block and p a multiple of `alignment`.
void CheckShared(const char* name, const void* p, std::size_t bytes, std::size_t alignment);

// Asynchronous copies of the current thread. They happen as late as may be: in the wait. Until
// then their destination is poison.
void BeginCopy(void* shared, const void* global, std::size_t bytes, std::size_t source_bytes);
void CommitCopies();
// Completes all committed groups but the last `pending`.
void WaitForCopies(unsigned pending);

}  // namespace quire::cuda_emulator
