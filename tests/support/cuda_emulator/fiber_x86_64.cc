#include <cstdint>
#include <cstdlib>

#include "tests/support/cuda_emulator/fiber.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

// ucontext would ask the kernel about signal masks at every switch; this takes some nanoseconds.
// The registers are those that System V lets a callee keep.
extern "C" void quire_switch_stack(void** save, void* load);
asm(R"(
.text
.globl quire_switch_stack
.hidden quire_switch_stack
.type quire_switch_stack, @function
quire_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size quire_switch_stack, .-quire_switch_stack
)");

namespace quire::cuda_emulator {
namespace {

constexpr int kSavedRegisters = 6;

void BeforeSwitch([[maybe_unused]] void** fake_stack, [[maybe_unused]] const Fiber& to) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(fake_stack, to.stack, to.stack_bytes);
#endif
}

// Learns the bounds of the stack of `from` the first time: nobody else knows the OS thread's.
void AfterSwitch([[maybe_unused]] void* fake_stack, [[maybe_unused]] Fiber* from) {
#if defined(__SANITIZE_ADDRESS__)
  const void* bottom = nullptr;
  std::size_t size = 0;
  __sanitizer_finish_switch_fiber(fake_stack, &bottom, &size);
  if (from != nullptr && from->stack == nullptr) {
    from->stack = const_cast<void*>(bottom);
    from->stack_bytes = size;
  }
#endif
}

}  // namespace

void PrepareFiber(Fiber& fiber, void (*entry)()) {
#if defined(__SANITIZE_ADDRESS__)
  // A thread that was given up in a fault has left its frames marked.
  ASAN_UNPOISON_MEMORY_REGION(fiber.stack, fiber.stack_bytes);
#endif
  // A function finds its return address at an address that is 8 modulo 16.
  const auto top = (reinterpret_cast<std::uintptr_t>(fiber.stack) + fiber.stack_bytes) & ~15ul;
  auto* slots = reinterpret_cast<void**>(top) - 2;
  slots[1] = nullptr;
  slots[0] = reinterpret_cast<void*>(entry);
  for (int i = 1; i <= kSavedRegisters; ++i) slots[-i] = nullptr;
  fiber.stack_pointer = slots - kSavedRegisters;
  fiber.fake_stack = nullptr;
}

void SwitchFiber(Fiber& from, Fiber& to) {
  BeforeSwitch(&from.fake_stack, to);
  quire_switch_stack(&from.stack_pointer, to.stack_pointer);
  AfterSwitch(from.fake_stack, nullptr);
}

void EnterFiber(Fiber& from) { AfterSwitch(nullptr, &from); }

void LeaveFiber(Fiber& to) {
  void* unused = nullptr;
  BeforeSwitch(nullptr, to);
  quire_switch_stack(&unused, to.stack_pointer);
  std::abort();
}

}  // namespace quire::cuda_emulator
