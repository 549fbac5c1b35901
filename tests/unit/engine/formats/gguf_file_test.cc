#include "engine/formats/gguf_file.h"

#include <gmock/gmock.h>

#include "tests/support/gguf_writer.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"

namespace quire::engine {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using testing::FailsWith;
using testing::GgufWriter;
using testing::HasCode;
using testing::IsOk;
using Type = GgufTensorType;

class GgufFileTest : public ::testing::Test {
 protected:
  StatusOr<std::shared_ptr<const GgufFile>> Open(const std::string& bytes) {
    testing::WriteFile(path(), bytes);
    return GgufFile::Open(path());
  }
  void ExpectDamaged(const std::string& bytes, const std::string& why) {
    EXPECT_THAT(Open(bytes), FailsWith(StatusCode::kDataLoss, path() + ": " + why));
  }
  std::string path() const { return (directory_.path() / "model.gguf").string(); }

  testing::TemporaryDirectory directory_;
};

TEST_F(GgufFileTest, KeysAndTensorsComeInFileOrder) {
  GgufWriter writer;
  writer.String("general.architecture", "llama").U32("llama.block_count", 2);
  writer.Tensor("b", Type::kF32, {2, 3}, std::string(24, 'b'));
  writer.Tensor("a", Type::kQ4_0, {1, 64}, std::string(36, 'a'));
  writer.Tensor("scalar", Type::kF16, {}, "xy");
  for (const std::uint32_t version : {2, 3}) {
    const auto file = Open(writer.Bytes(version));
    ASSERT_THAT(file, IsOk());
    EXPECT_EQ((*file)->version(), version);
    ASSERT_EQ((*file)->tensors().size(), 3u);
    const GgufTensor& first = (*file)->tensors()[0];
    EXPECT_EQ(first.name, "b");
    EXPECT_THAT(first.shape, ElementsAre(2, 3));
    EXPECT_EQ((*file)->bytes(first)[0], 'b');
    const GgufTensor* second = (*file)->Find("a");
    ASSERT_NE(second, nullptr);
    EXPECT_EQ(second->size_bytes(), 36u);
    EXPECT_EQ(second->begin % 32, 0u);
    EXPECT_EQ((*file)->bytes(*second)[35], 'a');
    EXPECT_EQ((*file)->Find("scalar")->size_bytes(), 2u);
    EXPECT_EQ((*file)->Find("c"), nullptr);
    EXPECT_EQ((*file)->metadata().values().size(), 2u);
  }
}

TEST_F(GgufFileTest, OtherVersionsAreRefused) {
  const GgufWriter writer;
  EXPECT_THAT(Open(writer.Bytes(1)), FailsWith(StatusCode::kUnimplemented, "have 1"));
  EXPECT_THAT(Open(writer.Bytes(4)), FailsWith(StatusCode::kUnimplemented, "have 4"));
  EXPECT_THAT(Open(writer.Bytes(3u << 24)), FailsWith(StatusCode::kUnimplemented, "big-endian"));
}

TEST_F(GgufFileTest, AbsentFilesAreNotFound) {
  EXPECT_THAT(GgufFile::Open(path()), HasCode(StatusCode::kNotFound));
}

TEST_F(GgufFileTest, WhatIsNoGgufIsDamaged) {
  ExpectDamaged("", "header: wanted 4 bytes at 0, have 0");
  ExpectDamaged("GGUX", "header: wanted \"GGUF\"");
  ExpectDamaged("GGUF\3", "version: wanted 4 bytes at 4, have 1");
}

// Cut anywhere, the file is refused or holds only whole tensors.
TEST_F(GgufFileTest, TruncatedFilesAreRefused) {
  GgufWriter writer;
  writer.Strings("tokens", {"a", "bc"}).Floats("scores", {1, 2}).U32("n", 7);
  writer.Tensor("t", Type::kF32, {4, 4}, std::string(64, 't'));
  const std::string bytes = writer.Bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(Open(bytes.substr(0, size)), HasCode(StatusCode::kDataLoss)) << size;
  }
  EXPECT_THAT(Open(bytes), IsOk());
}

TEST_F(GgufFileTest, CountsThatCannotBeAreRefusedBeforeAllocation) {
  GgufWriter writer;
  writer.U32("n", 7);
  for (const std::uint64_t count : {2ull, 1ull << 32, 1ull << 60, ~0ull}) {
    EXPECT_THAT(Open(writer.Bytes(3, 0, count)), HasCode(StatusCode::kDataLoss));
    EXPECT_THAT(Open(writer.Bytes(3, count, 1)), HasCode(StatusCode::kDataLoss));
  }
  for (const GgufValueType element :
       {GgufValueType::kU8, GgufValueType::kF64, GgufValueType::kString, GgufValueType::kArray}) {
    for (const std::uint64_t count : {1ull << 32, 1ull << 61, ~0ull}) {
      EXPECT_THAT(Open(GgufWriter().Array("a", element, count, "").Bytes()),
                  FailsWith(StatusCode::kDataLoss, "a: wanted a count that fits"));
    }
  }
  EXPECT_THAT(
      Open(GgufWriter().Raw("s", GgufValueType::kString, GgufWriter::Number(~0ull, 8)).Bytes()),
      FailsWith(StatusCode::kDataLoss, "s: wanted 18446744073709551615 bytes"));
}

TEST_F(GgufFileTest, KeysAreUniqueAndPrintable) {
  ExpectDamaged(GgufWriter().U32("n", 7).U32("n", 8).Bytes(), "n: wanted the key once");
  ExpectDamaged(GgufWriter().U32("", 7).Bytes(), "key: wanted one of 1 to 65535 bytes");
  ExpectDamaged(GgufWriter().U32("a\nb", 7).Bytes(), "key: wanted printable ASCII");
  ExpectDamaged(GgufWriter().U32(std::string(70'000, 'k'), 7).Bytes(), "key: wanted one of 1");
}

TEST_F(GgufFileTest, ValuesHaveKnownTypes) {
  ExpectDamaged(GgufWriter().Raw("n", static_cast<GgufValueType>(13), "x").Bytes(),
                "n: wanted a value type in [0, 12], have 13");
  ExpectDamaged(GgufWriter().Raw("b", GgufValueType::kBool, "\2").Bytes(),
                "b: wanted a bool of 0 or 1, have 2");
  ExpectDamaged(GgufWriter().Array("b", GgufValueType::kBool, 2, "\1\2").Bytes(),
                "b: wanted a bool of 0 or 1, have 2");
  std::string nested;
  for (int i = 0; i < 20; ++i) nested += GgufWriter::Number(9, 4) + GgufWriter::Number(1, 8);
  ExpectDamaged(GgufWriter().Raw("a", GgufValueType::kArray, nested).Bytes(), "a: nested deeper");
}

TEST_F(GgufFileTest, ArraysOfArraysAreRead) {
  const std::string inner = GgufWriter::Number(0, 4) + GgufWriter::Number(2, 8) + "xy";
  const auto file =
      Open(GgufWriter().Array("a", GgufValueType::kArray, 2, inner + inner).U32("n", 7).Bytes());
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ((*file)->metadata().Find("a")->count, 2u);
  EXPECT_EQ(**(*file)->metadata().Integer("n", 0, 9), 7);
}

TEST_F(GgufFileTest, TensorsAreCheckedByName) {
  const std::string data(64, 't');
  const auto entry = [](std::uint32_t type, const std::vector<std::uint64_t>& shape,
                        std::uint64_t offset) {
    return GgufWriter().RawTensor("t", type, shape, offset).Bytes() + std::string(64, 't');
  };
  EXPECT_THAT(Open(entry(0, {4, 4}, 0)), IsOk());
  ExpectDamaged(entry(99, {4, 4}, 0), "tensor t: wanted a known type, have 99");
  ExpectDamaged(entry(4, {4, 4}, 0), "tensor t: wanted a known type, have 4");
  ExpectDamaged(entry(2, {4, 33}, 0),
                "tensor t: wanted rows of a multiple of 32 elements for Q4_0");
  ExpectDamaged(entry(0, {1, 1, 1, 1, 1}, 0), "tensor t: wanted at most 4 dimensions, have 5");
  ExpectDamaged(entry(0, {4, 4}, 32), "tensor t: wanted offset 0");
  ExpectDamaged(entry(0, {4, 5}, 0), "tensor t: wanted bytes within 64, have [0, 80)");
  ExpectDamaged(entry(0, {1ull << 63}, 0), "tensor t: wanted a length below 2^63");
  // Products that wrap: 2^32 * 2^32 * 4, and the published case for safetensors readers.
  ExpectDamaged(entry(0, {1ull << 32, 1ull << 32}, 0), "tensor t: wanted a size below 2^64");
  ExpectDamaged(entry(0, {4194305, 4194305, 211106198978564}, 0),
                "tensor t: wanted a size below 2^64");
  ExpectDamaged(entry(0, {1ull << 62}, 0), "tensor t: wanted a size below 2^64");
  ExpectDamaged(GgufWriter().RawTensor("", 0, {1}, 0).Bytes() + data, "tensor: wanted a name");
  ExpectDamaged(GgufWriter().RawTensor("a\nb", 0, {1}, 0).Bytes() + data, "tensor: wanted a name");
  ExpectDamaged(GgufWriter().RawTensor(std::string(65, 'n'), 0, {1}, 0).Bytes() + data,
                "tensor: wanted a name");
}

TEST_F(GgufFileTest, TensorsDoNotOverlapOrRepeat) {
  GgufWriter twice;
  twice.Tensor("t", Type::kF32, {8}, std::string(32, 't'));
  twice.Tensor("t", Type::kF32, {8}, std::string(32, 't'));
  ExpectDamaged(twice.Bytes(), "tensor t: wanted it once");
  const std::string overlapping =
      GgufWriter().RawTensor("a", 0, {8}, 0).RawTensor("b", 0, {8}, 0).Bytes() +
      std::string(64, 't');
  ExpectDamaged(overlapping, "tensor b: wanted offset 32 where the one before it ends, have 0");
}

TEST_F(GgufFileTest, AlignmentIsAPowerOfTwo) {
  const auto with = [](std::uint32_t alignment) {
    return GgufWriter().U32("general.alignment", alignment).Bytes();
  };
  EXPECT_THAT(Open(with(32)), IsOk());
  EXPECT_THAT(Open(with(8)), IsOk());
  for (const std::uint32_t alignment : {0u, 1u, 24u, 1u << 31, ~0u}) {
    EXPECT_THAT(Open(with(alignment)),
                FailsWith(StatusCode::kInvalidArgument, "general.alignment"));
  }
  EXPECT_THAT(Open(GgufWriter().String("general.alignment", "32").Bytes()),
              FailsWith(StatusCode::kInvalidArgument, "have the string 32"));
}

TEST_F(GgufFileTest, RecordedModelsAreRead) {
  const auto folder = testing::SharedData("models/stories260k");
  QUIRE_SKIP_WITHOUT(folder);
  for (const char* name :
       {"stories260k-f32.gguf", "stories260k-q8_0.gguf", "stories260k-q4_0.gguf"}) {
    const auto file = GgufFile::Open((folder / name).string());
    ASSERT_THAT(file, IsOk());
    EXPECT_EQ((*file)->tensors().size(), 47u);
    EXPECT_EQ(**(*file)->metadata().String("general.architecture"), "llama");
  }
}

}  // namespace
}  // namespace quire::engine
