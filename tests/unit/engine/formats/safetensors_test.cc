#include "engine/formats/safetensors.h"

#include <gtest/gtest.h>

#include "tests/support/safetensors_writer.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"

namespace quire::engine {
namespace {

using absl::StatusCode;
using testing::FailsWith;
using testing::IsOk;
using testing::SafetensorsBytes;

class SafetensorsTest : public ::testing::Test {
 protected:
  StatusOr<std::shared_ptr<const SafetensorsFile>> Open(const std::string& bytes) {
    testing::WriteFile(path(), bytes);
    return SafetensorsFile::Open(path());
  }
  std::string path() const { return (directory_.path() / "model.safetensors").string(); }

  // Expects DATA_LOSS that names the file and says `part`.
  void ExpectDamaged(const std::string& bytes, const std::string& part) {
    const auto file = Open(bytes);
    EXPECT_THAT(file, FailsWith(StatusCode::kDataLoss, part));
    EXPECT_THAT(file, FailsWith(StatusCode::kDataLoss, path()));
  }

  testing::TemporaryDirectory directory_;
};

std::string Entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
         ",\"data_offsets\":" + offsets + "}";
}

TEST_F(SafetensorsTest, TensorsAreListedByPosition) {
  const auto file = Open(SafetensorsBytes("{\"__metadata__\":{\"format\":\"pt\"}," +
                                              Entry("b", "F32", "[2,3]", "[8,32]") + "," +
                                              Entry("a", "BF16", "[4]", "[0,8]") + "}   ",
                                          std::string(32, 'x')));
  ASSERT_THAT(file, IsOk());
  const auto& tensors = (*file)->tensors();
  ASSERT_EQ(tensors.size(), 2u);
  EXPECT_EQ(tensors[0].name, "a");
  EXPECT_EQ(tensors[0].dtype, TensorDType::kBF16);
  EXPECT_EQ(tensors[1].shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ((*file)->bytes(tensors[1]).size(), 24u);
  EXPECT_EQ((*file)->Find("b"), &tensors[1]);
  EXPECT_EQ((*file)->Find("c"), nullptr);
  EXPECT_EQ((*file)->metadata().at("format"), "pt");
}

TEST_F(SafetensorsTest, ScalarsEmptyTensorsAndForeignTypesAreLegal) {
  const auto file = Open(SafetensorsBytes("{" + Entry("scalar", "F64", "[]", "[0,8]") + "," +
                                              Entry("empty", "F32", "[3,0]", "[8,8]") + "," +
                                              Entry("fp8", "F8_E4M3", "[4]", "[8,12]") + "," +
                                              Entry("fp4", "F4", "[2,3]", "[12,15]") + "}",
                                          std::string(15, 'x')));
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ((*file)->Find("empty")->size_bytes(), 0u);
  EXPECT_EQ(TensorDTypeName((*file)->Find("fp8")->dtype), "F8_E4M3");
}

TEST_F(SafetensorsTest, MissingFileIsNotFound) {
  EXPECT_THAT(SafetensorsFile::Open(path()), FailsWith(StatusCode::kNotFound, path()));
}

TEST_F(SafetensorsTest, PicklesAreRefusedByName) {
  EXPECT_THAT(Open(std::string("PK\x03\x04", 4) + "archive/data.pkl"),
              FailsWith(StatusCode::kUnimplemented, "pickle"));
  EXPECT_THAT(Open("\x80\x02}q\x01X\x05weight"), FailsWith(StatusCode::kUnimplemented, "pickle"));
}

TEST_F(SafetensorsTest, TruncationIsNamed) {
  const std::string whole =
      SafetensorsBytes("{" + Entry("w", "F32", "[2]", "[0,8]") + "}", "12345678");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(Open(whole.substr(0, size)), testing::HasCode(StatusCode::kDataLoss)) << size;
  }
  ExpectDamaged(whole.substr(0, whole.size() - 1), "tensor w");
  ExpectDamaged(whole.substr(0, 20), "truncated");
}

TEST_F(SafetensorsTest, HeaderRulesAreEnforced) {
  ExpectDamaged(std::string("\xff\xff\xff\xff\xff\xff\xff\x7f", 8) + "{}", "at most 100000000");
  ExpectDamaged(SafetensorsBytes(" {}", ""), "'{'");
  ExpectDamaged(SafetensorsBytes("[]", ""), "'{'");
  ExpectDamaged(SafetensorsBytes("", ""), "'{'");
  ExpectDamaged(SafetensorsBytes("{} x", ""), "invalid JSON");
  ExpectDamaged(SafetensorsBytes(std::string("{}\0{", 4), ""), "zero byte");
  ExpectDamaged(SafetensorsBytes("{\"a\":", ""), "invalid JSON");
  ExpectDamaged(SafetensorsBytes("{\"\xff\":{}}", ""), "invalid JSON");
}

TEST_F(SafetensorsTest, NamesAndFieldsAreUnique) {
  const std::string entry = Entry("w", "U8", "[1]", "[0,1]");
  ExpectDamaged(SafetensorsBytes("{" + entry + "," + entry + "}", "x"), "tensor w: named twice");
  ExpectDamaged(SafetensorsBytes("{\"w\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],"
                                 "\"data_offsets\":[0,1]}}",
                                 "x"),
                "tensor w: dtype: named twice");
  ExpectDamaged(SafetensorsBytes("{\"w\":{\"dtype\":\"U8\",\"shape\":[1]}}", "x"), "tensor w");
  ExpectDamaged(SafetensorsBytes("{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],"
                                 "\"more\":1}}",
                                 "x"),
                "unknown field more");
}

TEST_F(SafetensorsTest, MalformedEntriesAreNamed) {
  ExpectDamaged(SafetensorsBytes("{\"w\":1}", ""), "tensor w");
  ExpectDamaged(SafetensorsBytes("{\"w\":[[1]]}", ""), "tensor w");
  ExpectDamaged(SafetensorsBytes("{" + Entry("w", "F31", "[1]", "[0,1]") + "}", "x"),
                "unknown dtype F31");
  ExpectDamaged(SafetensorsBytes("{" + Entry("w", "U8", "[-1]", "[0,1]") + "}", "x"), "negative");
  ExpectDamaged(SafetensorsBytes("{" + Entry("w", "U8", "[1.5]", "[0,1]") + "}", "x"), "fraction");
  ExpectDamaged(SafetensorsBytes("{" + Entry("w", "U8", "[1]", "[0]") + "}", "x"), "2 numbers");
  ExpectDamaged(SafetensorsBytes("{" + Entry("w", "U8", "[[1]]", "[0,1]") + "}", "x"), "array");
  ExpectDamaged(SafetensorsBytes("{\"__metadata__\":{\"a\":1}}", ""), "number");
}

TEST_F(SafetensorsTest, TensorsCoverTheBufferWithoutHoleOrOverlap) {
  const auto two = [](const std::string& first, const std::string& second) {
    return SafetensorsBytes(
        "{" + Entry("a", "U8", "[4]", first) + "," + Entry("b", "U8", "[4]", second) + "}",
        "12345678");
  };
  EXPECT_THAT(Open(two("[4,8]", "[0,4]")), IsOk());
  ExpectDamaged(two("[0,4]", "[3,7]"), "tensor b");
  ExpectDamaged(two("[0,4]", "[0,4]"), "tensor b");
  ExpectDamaged(two("[0,4]", "[5,9]"), "tensor b");
  ExpectDamaged(two("[1,5]", "[5,9]"), "tensor a");
  ExpectDamaged(SafetensorsBytes("{" + Entry("a", "U8", "[4]", "[0,4]") + "}", "12345"),
                "fill the buffer");
  ExpectDamaged(SafetensorsBytes("{" + Entry("a", "U8", "[4]", "[4,0]") + "}", "1234"), "tensor a");
}

TEST_F(SafetensorsTest, SizesThatWrapAreRefused) {
  // The product of this shape is 4 modulo 2^64: the published attack on naive readers.
  ExpectDamaged(
      SafetensorsBytes("{" + Entry("w", "U8", "[4194305,4194305,211106198978564]", "[0,4]") + "}",
                       "1234"),
      "tensor w");
  ExpectDamaged(
      SafetensorsBytes("{" + Entry("w", "F32", "[4611686018427387905]", "[0,4]") + "}", "1234"),
      "tensor w");
  ExpectDamaged(
      SafetensorsBytes("{" + Entry("w", "U8", "[18446744073709551615]", "[0,4]") + "}", "1234"),
      "too large");
  ExpectDamaged(SafetensorsBytes("{" + Entry("w", "F4", "[3]", "[0,1]") + "}", "1"), "tensor w");
  ExpectDamaged(SafetensorsBytes("{" + Entry("w", "F32", "[1]", "[0,2]") + "}", "12"), "tensor w");
}

}  // namespace
}  // namespace quire::engine
