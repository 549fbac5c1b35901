// Runs a fuzz target where the compiler has no libFuzzer: every file of the corpus as it is, then
// mutations of them, for a number of rounds or QUIRE_FUZZ_SECONDS.
//
// Usage: fuzz_TARGET FILE_OR_FOLDER...
// Environment: QUIRE_FUZZ_SECONDS (default 0: 300 mutations), QUIRE_FUZZ_SEED (default 1).
// A crash prints which input it was: the same seed gives the same inputs.

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <vector>

#include "tests/fuzz/fuzz_target.h"
#include "tests/support/mutations.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kDefaultRounds = 300;
constexpr std::size_t kMaxInputBytes = 1 << 20;
constexpr auto kMaxInputTime = std::chrono::seconds(5);

std::string current_input;

void SayWhichInput(int signal_number) {
  // Only what may be called in a signal handler.
  [[maybe_unused]] const ssize_t ignored =
      ::write(STDERR_FILENO, current_input.data(), current_input.size());
  ::signal(signal_number, SIG_DFL);
  ::raise(signal_number);
}

int Environment(const char* name, int fallback) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? fallback : std::atoi(value);
}

std::vector<std::filesystem::path> CorpusFiles(int argc, char** argv) {
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) {
      files.emplace_back(argv[i]);
      continue;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Exits if the target takes too long: an endless loop is a failure too.
void RunOne(const std::string& name, const std::string& bytes) {
  current_input = fmt::format("fuzz: the input was {}\n", name);
  const auto begin = Clock::now();
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (Clock::now() - begin > kMaxInputTime) {
    fmt::print(stderr, "{}fuzz: took more than 5 s\n", current_input);
    std::exit(1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (const int signal_number : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL}) {
    ::signal(signal_number, SayWhichInput);
  }
  const int seconds = Environment("QUIRE_FUZZ_SECONDS", 0);
  const auto seed = static_cast<std::uint32_t>(Environment("QUIRE_FUZZ_SEED", 1));
  std::vector<std::string> corpus;
  std::vector<std::filesystem::path> files = CorpusFiles(argc, argv);
  for (const auto& file : files) {
    if (!std::filesystem::exists(file)) continue;  // third-party data that may be absent
    corpus.push_back(quire::testing::ReadWholeFile(file));
    RunOne(file.string(), corpus.back());
  }
  if (corpus.empty()) {
    fmt::print(stderr, "fuzz: wanted a corpus, have no files\n");
    return 1;
  }
  const auto end = Clock::now() + std::chrono::seconds(seconds);
  std::uint32_t round = 0;
  for (; seconds > 0 ? Clock::now() < end : round < kDefaultRounds; ++round) {
    quire::testing::Random random(seed * 1'000'003 + round);
    std::string bytes = corpus[quire::testing::Below(random, corpus.size())];
    bytes = quire::testing::MutateAny(std::move(bytes), random);
    if (bytes.size() > kMaxInputBytes) bytes.resize(kMaxInputBytes);
    RunOne(fmt::format("mutation {} with seed {}", round, seed), bytes);
  }
  fmt::print("{} files, {} mutations\n", corpus.size(), round);
  return 0;
}
