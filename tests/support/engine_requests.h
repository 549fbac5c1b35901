#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"

// Runs requests on an engine and collects what they give.

namespace quire::testing {

// All events of one request, joined.
struct Collected {
  engine::OutputEvent output;
  Status status;  // of the stream; OK if it finished
};

// Reads `stream` to its end. An end that does not come within a minute is an error.
inline Collected Collect(engine::OutputStream& stream) {
  Collected collected;
  const auto append = [](auto& to, const auto& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (std::chrono::steady_clock::now() < give_up) {
    auto next = stream.Next(std::chrono::milliseconds(200));
    if (!next.ok()) {
      collected.status = next.status();
      return collected;
    }
    if (!next->has_value()) continue;
    engine::OutputEvent& event = **next;
    collected.output.text += event.text;
    append(collected.output.ids, event.ids);
    append(collected.output.logprobs, event.logprobs);
    append(collected.output.prompt_logprobs, event.prompt_logprobs);
    collected.output.finish = event.finish;
    collected.output.stop_match = event.stop_match;
    collected.output.usage = event.usage;
    if (event.finish) return collected;
  }
  collected.status = DeadlineExceeded("the request did not end within a minute");
  return collected;
}

// Submits `request` and reads it to its end.
inline Collected RunRequest(engine::Engine& engine, engine::Request request) {
  auto stream = engine.Submit(std::move(request));
  if (!stream.ok()) return {.output = {}, .status = stream.status()};
  return Collect(**stream);
}

// Submits all of `requests` before any is read.
inline std::vector<Collected> RunRequests(engine::Engine& engine,
                                          std::vector<engine::Request> requests) {
  std::vector<StatusOr<std::unique_ptr<engine::OutputStream>>> streams;
  for (engine::Request& request : requests) streams.push_back(engine.Submit(std::move(request)));
  std::vector<Collected> results;
  for (auto& stream : streams) {
    results.push_back(stream.ok() ? Collect(**stream)
                                  : Collected{.output = {}, .status = stream.status()});
  }
  return results;
}

// A request for `max_new_tokens` greedy tokens after `prompt`.
inline engine::Request GreedyRequest(std::vector<engine::TokenId> prompt,
                                     std::int32_t max_new_tokens) {
  engine::Request request;
  request.prompt = std::move(prompt);
  request.max_new_tokens = max_new_tokens;
  return request;
}

}  // namespace quire::testing
