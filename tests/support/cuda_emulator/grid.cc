#include "tests/support/cuda_emulator/grid.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "tests/support/cuda_emulator/fiber.h"

uint3 threadIdx;
uint3 blockIdx;
dim3 blockDim;
dim3 gridDim;

// Static shared memory of all kernels, as the linker put it together; see cuda_runtime.h.
extern "C" {
extern unsigned char __start_emulated_shared[] __attribute__((weak, visibility("hidden")));
extern unsigned char __stop_emulated_shared[] __attribute__((weak, visibility("hidden")));
}

namespace quire::cuda_emulator {
namespace {

constexpr std::size_t kStackBytes = std::size_t{256} << 10;
constexpr std::size_t kGuardBytes = 4096;
constexpr std::size_t kDynamicAlignment = 128;

struct Copy {
  void* to;
  const void* from;
  std::size_t bytes;
  std::size_t source_bytes;
};

struct Thread {
  Fiber fiber;
  uint3 index = {};
  // The collective it waits in.
  const char* name = nullptr;
  CollectiveFn* fn = nullptr;
  std::uint32_t mask = 0;
  void* operand = nullptr;
  std::vector<Copy> copies;
  std::vector<std::size_t> groups;  // where each committed group ends in `copies`
};

// Bit i is lane i.
struct Warp {
  std::uint32_t existing = 0;
  std::uint32_t ready = 0;
  std::uint32_t in_collective = 0;
  std::uint32_t at_barrier = 0;
  std::uint32_t left = 0;
};

struct FreeMemory {
  void operator()(void* p) const { std::free(p); }
};

// The block that runs now and what it is made of. Threads and their stacks are used again.
struct Machine {
  std::mutex turn;
  Fiber scheduler;
  std::array<Thread, kMaxThreads> threads;
  std::array<Warp, kMaxThreads / kWarpSize> warps;
  unsigned num_threads = 0;
  unsigned num_warps = 0;
  unsigned current = 0;
  bool backwards = false;
  unsigned at_barrier = 0;
  BarrierResult arriving;
  BarrierResult arrived;
  const std::function<void()>* body = nullptr;
  std::unique_ptr<unsigned char, FreeMemory> dynamic_memory;
  unsigned char* dynamic = nullptr;
  std::size_t dynamic_bytes = 0;
  std::string fault;
  unsigned launches = 0;
};

Machine& TheMachine() {
  static Machine* const machine = new Machine;
  return *machine;
}

std::string Where() {
  return fmt::format("block ({}, {}, {}), thread ({}, {}, {})", blockIdx.x, blockIdx.y, blockIdx.z,
                     threadIdx.x, threadIdx.y, threadIdx.z);
}

void ThreadMain() {
  Machine& machine = TheMachine();
  EnterFiber(machine.scheduler);
  (*machine.body)();
  machine.warps[machine.current / kWarpSize].left |= 1u << machine.current % kWarpSize;
  LeaveFiber(machine.scheduler);
}

// The next thread of a warp that can go on, which becomes the current one.
Fiber& TakeReady(Machine& machine, unsigned warp) {
  std::uint32_t& ready = machine.warps[warp].ready;
  const int lane = machine.backwards ? 31 - std::countl_zero(ready) : std::countr_zero(ready);
  ready &= ~(1u << lane);
  machine.current = warp * kWarpSize + static_cast<unsigned>(lane);
  threadIdx = machine.threads[machine.current].index;
  return machine.threads[machine.current].fiber;
}

// Waits until somebody makes this thread ready again; the others of its warp go on first.
void Yield() {
  Machine& machine = TheMachine();
  const unsigned warp = machine.current / kWarpSize;
  Fiber& self = machine.threads[machine.current].fiber;
  Fiber& next = machine.warps[warp].ready != 0 ? TakeReady(machine, warp) : machine.scheduler;
  SwitchFiber(self, next);
}

void GiveStack(Fiber& fiber) {
  if (fiber.stack != nullptr) return;
  void* const memory = mmap(nullptr, kStackBytes + kGuardBytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED || mprotect(memory, kGuardBytes, PROT_NONE) != 0) std::abort();
  fiber.stack = static_cast<char*>(memory) + kGuardBytes;
  fiber.stack_bytes = kStackBytes;
}

void StartBlock(Machine& machine) {
  machine.at_barrier = 0;
  machine.arriving = {};
  std::memset(machine.dynamic, kPoison, machine.dynamic_bytes);
  std::memset(__start_emulated_shared, kPoison,
              static_cast<std::size_t>(__stop_emulated_shared - __start_emulated_shared));
  machine.warps = {};
  for (unsigned t = 0; t < machine.num_threads; ++t) {
    Thread& thread = machine.threads[t];
    GiveStack(thread.fiber);
    PrepareFiber(thread.fiber, &ThreadMain);
    thread.index = {t % blockDim.x, t / blockDim.x % blockDim.y, t / blockDim.x / blockDim.y};
    thread.copies.clear();
    thread.groups.clear();
    Warp& warp = machine.warps[t / kWarpSize];
    warp.existing |= 1u << t % kWarpSize;
    warp.ready = warp.existing;
  }
}

// What every waiting thread waits for, once none can go on.
std::string Deadlock(const Machine& machine) {
  unsigned left = 0;
  for (const Warp& warp : machine.warps) left += std::popcount(warp.left);
  std::string text = fmt::format(
      "no thread of block ({}, {}, {}) can go on: {} of {} wait at __syncthreads, {} "
      "have left the kernel",
      blockIdx.x, blockIdx.y, blockIdx.z, machine.at_barrier, machine.num_threads, left);
  for (unsigned t = 0; t < machine.num_threads; ++t) {
    if ((machine.warps[t / kWarpSize].in_collective >> t % kWarpSize & 1) == 0) continue;
    const Thread& thread = machine.threads[t];
    text += fmt::format(", thread ({}, {}, {}) waits in {} for lanes {:08x}", thread.index.x,
                        thread.index.y, thread.index.z, thread.name, thread.mask);
    break;
  }
  return text;
}

void RunBlock(Machine& machine) {
  StartBlock(machine);
  for (bool progress = true; progress;) {
    progress = false;
    for (unsigned i = 0; i < machine.num_warps; ++i) {
      const unsigned warp = machine.backwards ? machine.num_warps - 1 - i : i;
      while (machine.warps[warp].ready != 0) {
        SwitchFiber(machine.scheduler, TakeReady(machine, warp));
        if (!machine.fault.empty()) return;
        progress = true;
      }
    }
  }
  for (const Warp& warp : machine.warps) {
    if (warp.left != warp.existing) {
      machine.fault = Deadlock(machine);
      return;
    }
  }
}

}  // namespace

bool RunGrid(const GridShape& shape, const std::function<void()>& body) {
  Machine& machine = TheMachine();
  const std::lock_guard lock(machine.turn);
  gridDim = shape.grid;
  blockDim = shape.block;
  machine.num_threads = blockDim.x * blockDim.y * blockDim.z;
  machine.num_warps = (machine.num_threads + kWarpSize - 1) / kWarpSize;
  machine.body = &body;
  machine.fault.clear();
  // Of the exact size, so that AddressSanitizer sees its end. The beginning is a multiple of 128
  // but not of 256.
  void* memory = nullptr;
  if (posix_memalign(&memory, 2 * kDynamicAlignment, shape.shared_bytes + kDynamicAlignment) != 0) {
    std::abort();
  }
  machine.dynamic_memory.reset(static_cast<unsigned char*>(memory));
  machine.dynamic = machine.dynamic_memory.get() + kDynamicAlignment;
  machine.dynamic_bytes = shape.shared_bytes;

  const std::size_t num_blocks =
      std::size_t{shape.grid.x} * shape.grid.y * std::size_t{shape.grid.z};
  std::vector<std::size_t> order(num_blocks);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937(machine.launches++));
  for (std::size_t i = 0; i < num_blocks && machine.fault.empty(); ++i) {
    const std::size_t b = order[i];
    blockIdx = {static_cast<unsigned>(b % gridDim.x),
                static_cast<unsigned>(b / gridDim.x % gridDim.y),
                static_cast<unsigned>(b / gridDim.x / gridDim.y)};
    machine.backwards = (i + machine.launches) % 2 == 0;
    RunBlock(machine);
  }
  if (machine.fault.empty()) return true;
  std::fprintf(stderr, "CUDA emulator: %s\n", machine.fault.c_str());
  return false;
}

std::string LastFault() { return TheMachine().fault; }

void Fault(std::string what) {
  Machine& machine = TheMachine();
  {
    // Nothing on this stack is destroyed any more.
    const std::string text = std::move(what);
    machine.fault = Where() + ": " + text;
  }
  LeaveFiber(machine.scheduler);
}

BarrierResult SyncBlock(int predicate) {
  Machine& machine = TheMachine();
  machine.arriving.count += predicate != 0 ? 1 : 0;
  machine.arriving.all = machine.arriving.all && predicate != 0;
  machine.warps[machine.current / kWarpSize].at_barrier |= 1u << machine.current % kWarpSize;
  if (++machine.at_barrier < machine.num_threads) {
    Yield();
    return machine.arrived;
  }
  // Nobody arrives at the next barrier before all have left this one with its result.
  machine.arrived = machine.arriving;
  machine.arriving = {};
  machine.at_barrier = 0;
  for (Warp& warp : machine.warps) {
    warp.ready |= warp.at_barrier;
    warp.at_barrier = 0;
  }
  machine.warps[machine.current / kWarpSize].ready &= ~(1u << machine.current % kWarpSize);
  return machine.arrived;
}

void Collective(const char* name, std::uint32_t mask, void* operand, CollectiveFn* fn) {
  Machine& machine = TheMachine();
  Warp& warp = machine.warps[machine.current / kWarpSize];
  Thread* const lanes = &machine.threads[machine.current / kWarpSize * kWarpSize];
  const unsigned lane = machine.current % kWarpSize;
  mask &= warp.existing;
  if ((mask >> lane & 1) == 0) Fault(fmt::format("{} for lanes {:08x}, not of them", name, mask));
  if ((warp.left & mask) != 0) {
    Fault(fmt::format("{} for lanes {:08x}, of which {:08x} have left the kernel", name, mask,
                      warp.left & mask));
  }
  Thread& self = lanes[lane];
  self.name = name;
  self.fn = fn;
  self.mask = mask;
  self.operand = operand;
  warp.in_collective |= 1u << lane;
  if ((warp.in_collective & mask) != mask) return Yield();

  std::array<void*, kWarpSize> operands = {};
  for (std::uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(rest));
    if (lanes[i].fn != fn || lanes[i].mask != mask) {
      Fault(fmt::format("lanes diverge: {} for lanes {:08x} here, {} for {:08x} in lane {}", name,
                        mask, lanes[i].name, lanes[i].mask, i));
    }
    operands[i] = lanes[i].operand;
  }
  fn(operands.data());
  warp.in_collective &= ~mask;
  warp.ready |= mask & ~(1u << lane);
}

bool IsPlanted(const char* name) {
  static const char* const planted = std::getenv("QUIRE_EMULATOR_PLANT_ERROR");
  return planted != nullptr && std::strcmp(planted, name) == 0;
}

unsigned LaneId() { return TheMachine().current % kWarpSize; }

unsigned char* DynamicShared() { return TheMachine().dynamic; }

void CheckShared(const char* name, const void* p, std::size_t bytes, std::size_t alignment) {
  const Machine& machine = TheMachine();
  const auto* begin = static_cast<const unsigned char*>(p);
  const auto is_within = [&](const unsigned char* first, const unsigned char* last) {
    return begin >= first && begin <= last && bytes <= static_cast<std::size_t>(last - begin);
  };
  if (!is_within(machine.dynamic, machine.dynamic + machine.dynamic_bytes) &&
      !is_within(__start_emulated_shared, __stop_emulated_shared)) {
    Fault(fmt::format("{}: {} bytes are not all in shared memory ({} bytes of it dynamic, at {})",
                      name, bytes, machine.dynamic_bytes, begin - machine.dynamic));
  }
  if (reinterpret_cast<std::uintptr_t>(p) % alignment != 0) {
    Fault(fmt::format("{}: a shared address is not a multiple of {} bytes", name, alignment));
  }
}

void BeginCopy(void* shared, const void* global, std::size_t bytes, std::size_t source_bytes) {
  CheckShared("cp.async", shared, bytes, bytes);
  if (source_bytes > bytes || reinterpret_cast<std::uintptr_t>(global) % bytes != 0) {
    Fault(
        fmt::format("cp.async: a global address is not a multiple of {} bytes, or {} bytes are "
                    "too many",
                    bytes, source_bytes));
  }
  std::memset(shared, kPoison, bytes);
  Machine& machine = TheMachine();
  machine.threads[machine.current].copies.push_back({shared, global, bytes, source_bytes});
}

void CommitCopies() {
  Machine& machine = TheMachine();
  Thread& thread = machine.threads[machine.current];
  thread.groups.push_back(thread.copies.size());
}

void WaitForCopies(unsigned pending) {
  Machine& machine = TheMachine();
  Thread& thread = machine.threads[machine.current];
  if (thread.groups.size() <= pending) return;
  const std::size_t num_groups = thread.groups.size() - pending;
  const std::size_t num_copies = thread.groups[num_groups - 1];
  for (std::size_t i = 0; i < num_copies; ++i) {
    const Copy& copy = thread.copies[i];
    std::memset(copy.to, 0, copy.bytes);
    // Nothing is read of an address whose copy has no source bytes.
    if (copy.source_bytes > 0) std::memcpy(copy.to, copy.from, copy.source_bytes);
  }
  const auto distance = [](std::size_t n) { return static_cast<std::ptrdiff_t>(n); };
  thread.copies.erase(thread.copies.begin(), thread.copies.begin() + distance(num_copies));
  thread.groups.erase(thread.groups.begin(), thread.groups.begin() + distance(num_groups));
  for (std::size_t& end : thread.groups) end -= num_copies;
}

}  // namespace quire::cuda_emulator
