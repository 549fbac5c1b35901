#pragma once

#include <cstddef>

namespace quire::cuda_emulator {

// Execution contexts of one OS thread, each with a stack of its own.
struct Fiber {
  void* stack_pointer = nullptr;
  void* stack = nullptr;  // lowest address; null for the OS thread's own
  std::size_t stack_bytes = 0;
  void* fake_stack = nullptr;  // AddressSanitizer's
};

// Makes `fiber` run `entry` from its start when it is switched to. `entry` must not return.
void PrepareFiber(Fiber& fiber, void (*entry)());

// Leaves `from`, which is running, and continues `to`. Returns when somebody switches back.
void SwitchFiber(Fiber& from, Fiber& to);

// Call first in `entry`. `from`: the fiber that switched here.
void EnterFiber(Fiber& from);

// Call instead of SwitchFiber when `from` never runs again.
[[noreturn]] void LeaveFiber(Fiber& to);

}  // namespace quire::cuda_emulator
