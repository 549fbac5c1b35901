// Damaged model directories: whatever a file says, loading and running it gives tokens or a clear
// status, never a crash. Mutations are seeded; a failure names its number.

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "engine/engine.h"
#include "tests/support/engine_requests.h"
#include "tests/support/mutations.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/test_files.h"
#include "tests/support/tiny_model.h"

namespace quire::engine {
namespace {

using testing::Below;
using testing::FlipBits;
using testing::Random;
using testing::ReadWholeFile;
using testing::ReplaceNumber;
using testing::Splice;
using testing::TemporaryDirectory;
using testing::Truncate;
using testing::WriteFile;

constexpr int kNumMutations = 200;  // of each file

std::string MutateText(std::string text, Random& random) {
  switch (Below(random, 6)) {
    case 0:
      FlipBits(text, text.size(), random);
      break;
    case 1:
      Truncate(text, random);
      break;
    case 2:
      Splice(text, text.size(), random);
      break;
    default:
      ReplaceNumber(text, text.size(), random);
  }
  return text;
}

// --- Mutations of safetensors ---------------------------------------------------------------

// Rewrites the header with a lie in one tensor's entry, the length corrected, so that the lie
// itself is what a reader meets.
std::string LieInHeader(const std::string& bytes, Random& random) {
  std::size_t header_size = 0;
  for (std::size_t i = 8; i-- > 0;) {
    header_size = header_size << 8 | static_cast<unsigned char>(bytes[i]);
  }
  const std::string buffer = bytes.substr(8 + header_size);
  nlohmann::json header = nlohmann::json::parse(bytes.substr(8, header_size));
  auto entry = header.begin();
  std::advance(entry, static_cast<std::ptrdiff_t>(Below(random, header.size())));
  if (!entry->contains("shape")) return bytes;
  nlohmann::json& tensor = *entry;
  static const std::uint64_t kNumbers[] = {
      0, 1, 63, 65, 1u << 31, 1ull << 32, 1ull << 40, 1ull << 62, ~0ull >> 1, ~0ull >> 16, ~0ull};
  const std::uint64_t number = kNumbers[Below(random, std::size(kNumbers))];
  static const char* const kTypes[] = {"F16", "BF16", "F64", "I8", "BOOL", "F4", "U64", "none"};
  switch (Below(random, 6)) {
    case 0:
      tensor["shape"][0] = number;
      break;
    case 1:
      tensor["shape"].push_back(number);
      break;
    case 2:
      tensor["data_offsets"][Below(random, 2)] = number;
      break;
    case 3:
      tensor["dtype"] = kTypes[Below(random, std::size(kTypes))];
      break;
    case 4:
      std::swap(tensor["data_offsets"][0], tensor["data_offsets"][1]);
      break;
    default:
      header.erase(entry);
  }
  return testing::SafetensorsBytes(header.dump(), buffer);
}

std::string MutateSafetensors(const std::string& bytes, Random& random) {
  std::string mutated = bytes;
  // Header and length field: where the structure is.
  const std::size_t header = std::min<std::size_t>(bytes.size(), 6000);
  switch (Below(random, 6)) {
    case 0:
      FlipBits(mutated, header, random);
      break;
    case 1:
      FlipBits(mutated, 8, random);
      break;
    case 2:
      FlipBits(mutated, bytes.size(), random);
      break;
    case 3:
      Truncate(mutated, random);
      break;
    case 4:
      ReplaceNumber(mutated, header, random);
      break;
    default:
      return LieInHeader(bytes, random);
  }
  return mutated;
}

// --- Running ----------------------------------------------------------------------------------

// Loads the directory and generates a little. Every failure must say what is wrong. True if there
// was none.
bool LoadAndRun(const std::string& directory, kernels::Device& device) {
  EngineOptions options;
  options.model_path = directory;
  options.max_batch_tokens = 16;
  options.max_sequences = 2;
  const auto expect_clear = [](const Status& status) {
    EXPECT_FALSE(status.message().empty());
    EXPECT_EQ(std::string(Message(status)).find('\n'), std::string::npos) << status;
    EXPECT_NE(status.code(), absl::StatusCode::kInternal) << status;
    EXPECT_NE(status.code(), absl::StatusCode::kUnknown) << status;
  };
  const auto engine = Engine::Create(options, device);
  if (!engine.ok()) {
    expect_clear(engine.status());
    return false;
  }
  Request request;
  request.prompt = (*engine)->tokenizer().Encode("Once upon a time", EncodeOptions{});
  request.prompt.push_back(1);
  request.max_new_tokens = 4;
  const testing::Collected result = testing::RunRequest(**engine, request);
  if (!result.status.ok()) expect_clear(result.status);
  return result.status.ok();
}

struct File {
  const char* name;
  std::function<std::string(const std::string&, Random&)> mutate;
};

class ModelMutationsTest : public ::testing::TestWithParam<File> {
 protected:
  void MutateAndRun(const std::filesystem::path& original) {
    const File& file = GetParam();
    const auto device = kernels::FindDevice("");
    ASSERT_TRUE(device.ok());
    const std::string bytes = ReadWholeFile(original / file.name);
    const TemporaryDirectory copy;
    testing::CopyWithoutWeights(original, copy.path());
    WriteFile(copy.path() / "model.safetensors", ReadWholeFile(original / "model.safetensors"));
    int num_refused = 0;
    for (int i = 0; i < kNumMutations; ++i) {
      SCOPED_TRACE(fmt::format("mutation {} of {}", i, file.name));
      Random random(static_cast<std::uint32_t>(i));
      WriteFile(copy.path() / file.name, file.mutate(bytes, random));
      num_refused += LoadAndRun(copy.path(), **device) ? 0 : 1;
      if (HasFailure()) return;
    }
    // The mutations bite.
    EXPECT_GT(num_refused, kNumMutations / 10);
    EXPECT_LT(num_refused, kNumMutations);
  }
};

TEST_P(ModelMutationsTest, Stories260k) {
  const std::filesystem::path original = testing::SharedData("models/stories260k");
  QUIRE_SKIP_WITHOUT(original);
  MutateAndRun(original);
}

TEST_P(ModelMutationsTest, TinyLlama) {
  const TemporaryDirectory original;
  testing::WriteTinyLlama(original.path());
  MutateAndRun(original.path());
}

INSTANTIATE_TEST_SUITE_P(
    Files, ModelMutationsTest,
    ::testing::Values(File{"model.safetensors", MutateSafetensors}, File{"config.json", MutateText},
                      File{"tokenizer.json", MutateText}),
    [](const auto& file) {
      return std::string(file.param.name).substr(0, std::string(file.param.name).find('.'));
    });

}  // namespace
}  // namespace quire::engine
