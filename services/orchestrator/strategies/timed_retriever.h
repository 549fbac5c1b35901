#pragma once

#include <string>
#include <type_traits>
#include <vector>

#include "services/orchestrator/retriever.h"
#include "services/orchestrator/strategies/event_writer.h"

namespace quire::services {

// Another retriever that adds up the time of its calls. Thread-compatible.
class TimedRetriever final : public Retriever {
 public:
  // `retriever` is borrowed.
  TimedRetriever(Retriever& retriever, SteadyClock clock)
      : retriever_(retriever), clock_(std::move(clock)) {}

  StatusOr<std::vector<Passage>> Search(const std::string& collection, const std::string& query,
                                        std::span<const std::string> documents,
                                        std::int32_t top_k) override {
    return Time([&] { return retriever_.Search(collection, query, documents, top_k); });
  }
  StatusOr<std::vector<StoredDocument>> ListDocuments(
      const std::string& collection, std::span<const std::string> documents) override {
    return Time([&] { return retriever_.ListDocuments(collection, documents); });
  }
  StatusOr<std::string> ReadText(const StoredDocument& document) override {
    return Time([&] { return retriever_.ReadText(document); });
  }

  double elapsed_ms() const { return elapsed_ms_; }

 private:
  template <typename Call>
  std::invoke_result_t<Call> Time(const Call& call) {
    const auto start = clock_();
    auto result = call();
    elapsed_ms_ += std::chrono::duration<double, std::milli>(clock_() - start).count();
    return result;
  }

  Retriever& retriever_;
  const SteadyClock clock_;
  double elapsed_ms_ = 0.0;
};

}  // namespace quire::services
