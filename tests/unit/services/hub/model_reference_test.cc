#include "services/hub/model_reference.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace quire::services::hub {
namespace {

using quire::testing::HasCode;
using quire::testing::IsOk;

TEST(ModelReferenceTest, NamesRepositoryRevisionAndFile) {
  const auto whole = ParseModelReference("hf:org/repo");
  ASSERT_THAT(whole, IsOk());
  EXPECT_EQ(whole->repo, "org/repo");
  EXPECT_EQ(whole->revision, "main");
  EXPECT_EQ(whole->file, "");
  const auto revision = ParseModelReference("hf:org/repo@refs/pr/1");
  ASSERT_THAT(revision, IsOk());
  EXPECT_EQ(revision->repo, "org/repo");
  EXPECT_EQ(revision->revision, "refs/pr/1");
  const auto file = ParseModelReference("hf:org/repo/quantized/model-q4.gguf@v1.0");
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->file, "quantized/model-q4.gguf");
  EXPECT_EQ(file->revision, "v1.0");
  EXPECT_EQ(ParseModelReference("hf:gpt2")->repo, "gpt2");
}

TEST(ModelReferenceTest, WrittenOutItReadsTheSame) {
  for (const char* text : {"hf:org/repo", "hf:org/repo@v2", "hf:org/repo/a.gguf",
                           "hf:org/repo/x/a.gguf@0123456789abcdef0123456789abcdef01234567"}) {
    EXPECT_EQ(FormatModelReference(*ParseModelReference(text)), text);
  }
}

TEST(ModelReferenceTest, WhatIsNoNameIsRefused) {
  for (const char* text :
       {"hf:", "hf:/", "hf:org/", "hf:/repo", "hf:..", "hf:../repo", "hf:org/..", "hf:org/a--b",
        "hf:or g/repo", "hf:org/repo@", "hf:org/repo@../x", "hf:org/repo@a//b", "hf:org/repo@a b",
        "hf:org/repo@x?y", "hf:org/repo/config.json", "hf:org/repo/../x.gguf", "hf:-org/repo",
        "hf:org/repo.", "hf:org/repo@a@b"}) {
    EXPECT_THAT(ParseModelReference(text), HasCode(absl::StatusCode::kInvalidArgument)) << text;
  }
  EXPECT_THAT(ParseModelReference("hf:org/" + std::string(100, 'x')),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(SafePathTest, OnlyPlainRelativePathsAreSafe) {
  for (const char* path : {"a", "a/b.json", "a/.b", "...", "a b"}) EXPECT_TRUE(IsSafePath(path));
  for (const std::string path :
       {"", "/a", "a/", "a//b", ".", "..", "a/../b", "../a", "a/..", "a\\b", "a\nb"}) {
    EXPECT_FALSE(IsSafePath(path)) << path;
  }
  EXPECT_FALSE(IsSafePath(std::string("a\0b", 3)));
  EXPECT_FALSE(IsSafePath(std::string(2000, 'a')));
}

}  // namespace
}  // namespace quire::services::hub
