#include "services/orchestrator/strategies/coverage.h"

#include <algorithm>

namespace quire::services {

void CoverageTracker::AddDocument(const std::string& name, std::int64_t text_bytes) {
  if (documents_.try_emplace(name, Document{.text_bytes = text_bytes, .read = {}}).second) {
    order_.push_back(name);
  }
}

void CoverageTracker::AddRead(const std::string& name, std::int64_t start, std::int64_t end) {
  documents_.at(name).read.emplace_back(start, end);
}

std::vector<orchestrator::v1::Coverage> CoverageTracker::Report() const {
  std::vector<orchestrator::v1::Coverage> report;
  for (const std::string& name : order_) {
    const Document& document = documents_.at(name);
    auto ranges = document.read;
    std::ranges::sort(ranges);
    std::int64_t bytes_read = 0;
    std::int64_t counted_to = 0;
    for (const auto& [start, end] : ranges) {
      bytes_read += std::max<std::int64_t>(0, end - std::max(start, counted_to));
      counted_to = std::max(counted_to, end);
    }
    orchestrator::v1::Coverage& coverage = report.emplace_back();
    coverage.set_document(name);
    coverage.set_text_bytes(document.text_bytes);
    coverage.set_bytes_read(bytes_read);
  }
  return report;
}

}  // namespace quire::services
