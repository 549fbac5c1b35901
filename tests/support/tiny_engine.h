#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "tests/support/engine_requests.h"
#include "tests/support/faulty_device.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"
#include "tests/support/tiny_model.h"

namespace quire::testing {

// Engines over a tiny random Llama: context 256, one token per byte, id of a byte is its value + 3;
// 2 ends texts.
class TinyEngineTest : public ::testing::Test {
 protected:
  TinyEngineTest() { WriteTinyLlama(directory_.path()); }

  StatusOr<std::unique_ptr<engine::Engine>> Create(engine::EngineOptions options = {}) {
    options.model_path = directory_.path();
    return engine::Engine::Create(options, device_);
  }
  std::unique_ptr<engine::Engine> NewEngine(const engine::EngineOptions& options = {}) {
    auto engine = Create(options);
    EXPECT_THAT(engine, IsOk());
    return *std::move(engine);
  }

  // A request that runs until it is stopped or has its tokens.
  static engine::Request LongRequest(std::int32_t max_new_tokens = 250) {
    engine::Request request = GreedyRequest({1, 70, 71}, max_new_tokens);
    request.ignore_eos = true;
    return request;
  }

  // The streams of `count` requests that the engine has taken.
  static std::vector<std::unique_ptr<engine::OutputStream>> SubmitLongRequests(
      engine::Engine& engine, int count) {
    std::vector<std::unique_ptr<engine::OutputStream>> streams;
    for (int i = 0; i < count; ++i) {
      auto stream = engine.Submit(LongRequest());
      EXPECT_THAT(stream, IsOk());
      if (stream.ok()) streams.push_back(*std::move(stream));
    }
    return streams;
  }

  // True if `condition` holds within ten seconds.
  template <typename Condition>
  static bool Eventually(Condition condition) {
    for (int i = 0; i < 10'000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }

  TemporaryDirectory directory_;
  FaultyDevice device_;
};

}  // namespace quire::testing
