// A device that is lost under a running server: everybody is told, and the process can end.

#include <gtest/gtest.h>

#include "tests/integration/inference/inference_fixture.h"
#include "tests/integration/inference/tiny_models.h"
#include "tests/support/faulty_device.h"
#include "tests/support/status_matchers.h"

namespace quire::services {
namespace {

using inference::v1::GenerateRequest;
using inference::v1::GenerateResponse;
using inference::v1::InferenceService;
using inference::v1::StreamGenerateResponse;
using quire::testing::FailsWith;
using quire::testing::IsOk;

// Long enough to run until the device is lost.
constexpr int kLongContextTokens = 60'000;

TEST(LostDeviceTest, StreamsEndUnavailableAndHealthSaysWhy) {
  auto faulty = std::make_unique<quire::testing::FaultyDevice>();
  quire::testing::FaultyDevice& device = *faulty;
  quire::testing::TemporaryDirectory directory;
  testing::WriteLanguageModel(directory.path() / "tiny", kLongContextTokens);
  InferenceOptions options;
  options.model = (directory.path() / "tiny").string();
  testing::RunningInference server(options, std::move(faulty));
  EXPECT_THAT(server.inference().health(), IsOk());

  GenerateRequest request;
  request.set_text("Once");
  request.mutable_stopping()->set_max_tokens(kLongContextTokens - 100);
  request.mutable_stopping()->set_ignore_eos(true);
  grpc::ClientContext context;
  const auto stream = server.stub().StreamGenerate(&context, request);
  StreamGenerateResponse response;
  ASSERT_TRUE(stream->Read(&response));
  device.Lose();
  while (stream->Read(&response)) {
  }
  EXPECT_THAT(FromGrpcStatus(stream->Finish()), FailsWith(absl::StatusCode::kUnavailable, "lost"));

  GenerateResponse unused;
  EXPECT_THAT(server.Call(&InferenceService::Stub::Generate, request, unused),
              FailsWith(absl::StatusCode::kUnavailable, "lost"));
  EXPECT_THAT(server.inference().health(), FailsWith(absl::StatusCode::kUnavailable, "lost"));
  EXPECT_TRUE(server.AwaitIdle());
}

}  // namespace
}  // namespace quire::services
