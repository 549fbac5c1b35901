// Seconds that one pass over a file takes, for comparison with other tokenizers in the same run.
//
// Usage: tokenizer_throughput MODEL FILE. Reads lines from stdin; for each, encodes the file once
// and prints {"seconds": S, "tokens": N}.

#include <fmt/format.h>

#include <chrono>
#include <iostream>

#include "base/allocator.h"
#include "engine/tokenizer/tokenizer.h"
#include "tests/bench/value_or_die.h"
#include "tests/support/test_files.h"

int main(int argc, char** argv) {
  quire::KeepFreedMemory();  // as all our programs do
  if (argc != 3) {
    fmt::print(stderr, "usage: tokenizer_throughput MODEL FILE\n");
    return 2;
  }
  const auto tokenizer = quire::kernels::ValueOrDie(quire::engine::Tokenizer::Load(argv[1]));
  const std::string text = quire::testing::ReadWholeFile(argv[2]);
  for (std::string line; std::getline(std::cin, line);) {
    const auto begin = std::chrono::steady_clock::now();
    const auto ids = tokenizer->Encode(text, {.add_special_tokens = false});
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    fmt::print("{{\"seconds\": {}, \"tokens\": {}}}\n", seconds.count(), ids.size());
    std::fflush(stdout);
  }
  return 0;
}
