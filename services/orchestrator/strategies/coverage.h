#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "quire/orchestrator/v1/orchestrator.pb.h"

namespace quire::services {

// Which bytes of which documents stood in a prompt. Thread-compatible.
class CoverageTracker {
 public:
  // Declares a document, in the order of the report. A second time does nothing.
  void AddDocument(const std::string& name, std::int64_t text_bytes);
  // The bytes [start, end) were read. Ranges may overlap. Requires a declared document.
  void AddRead(const std::string& name, std::int64_t start, std::int64_t end);

  std::vector<orchestrator::v1::Coverage> Report() const;

 private:
  struct Document {
    std::int64_t text_bytes = 0;
    std::vector<std::pair<std::int64_t, std::int64_t>> read;
  };
  std::vector<std::string> order_;
  std::map<std::string, Document> documents_;
};

}  // namespace quire::services
