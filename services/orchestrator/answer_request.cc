#include "services/orchestrator/answer_request.h"

#include <cmath>
#include <set>
#include <string>
#include <string_view>

#include "services/orchestrator/packing/ascii.h"
#include "services/server/error_details.h"

namespace quire::services {
namespace {

namespace pb = orchestrator::v1;

constexpr std::size_t kMaxSubjectBytes = std::size_t{64} << 10;
constexpr std::size_t kMaxInlineBytes = std::size_t{12} << 20;
constexpr std::size_t kMaxIdBytes = 128;
constexpr std::size_t kMaxInlineIdBytes = 1024;
constexpr float kMaxTemperature = 100.0f;
constexpr std::string_view kCollections = "collections/";
constexpr std::string_view kDocuments = "/documents/";

// Collects what is wrong with a request.
class Violations {
 public:
  void Add(std::string_view field, std::string_view description) {
    status_ = status_.ok() ? InvalidField(field, description)
                           : WithFieldViolation(status_, field, description);
  }
  // `value` is a count where 0 stands for the default; negative or above `most` is wrong.
  void CheckCount(std::string_view field, std::int32_t value, std::int32_t most) {
    if (value < 0 || value > most) {
      Add(field, fmt::format("wanted 0 to {}, have {}", most, value));
    }
  }
  const Status& status() const { return status_; }

 private:
  Status status_;
};

bool IsId(std::string_view id) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !id.empty() && id.size() <= kMaxIdBytes && id.front() != '.' &&
         id.find_first_not_of(kAllowed) == std::string_view::npos;
}

bool IsCollection(std::string_view name) {
  return name.starts_with(kCollections) && IsId(name.substr(kCollections.size()));
}

void CheckCollection(const pb::Sources& sources, Violations& violations) {
  if (sources.collection().empty()) {
    if (sources.documents_size() > 0) {
      violations.Add("sources.collection", "required where documents are named");
    } else if (sources.inline_documents_size() == 0) {
      violations.Add("sources", "wanted a collection or inline documents, have neither");
    }
    return;
  }
  if (!IsCollection(sources.collection())) {
    violations.Add("sources.collection",
                   fmt::format("wanted collections/ID, have \"{}\"",
                               TruncateText(sources.collection(), kMaxIdBytes)));
    return;
  }
  const std::string prefix = sources.collection() + std::string(kDocuments);
  std::set<std::string_view> seen;
  for (int i = 0; i < sources.documents_size(); ++i) {
    const std::string_view name = sources.documents(i);
    const std::string field = fmt::format("sources.documents[{}]", i);
    if (!name.starts_with(prefix) || !IsId(name.substr(prefix.size()))) {
      violations.Add(field, fmt::format("wanted {}ID, have \"{}\"", prefix,
                                        TruncateText(name, 2 * kMaxIdBytes)));
    } else if (!seen.insert(name).second) {
      violations.Add(field, fmt::format("{} is named twice", name));
    }
  }
}

void CheckInlineDocuments(const pb::Sources& sources, Violations& violations) {
  std::set<std::string_view> seen;
  std::size_t bytes = 0;
  for (int i = 0; i < sources.inline_documents_size(); ++i) {
    const std::string_view id = sources.inline_documents(i).id();
    const std::string field = fmt::format("sources.inline_documents[{}].id", i);
    bytes += sources.inline_documents(i).text().size();
    if (id.empty() || id.size() > kMaxInlineIdBytes) {
      violations.Add(field,
                     fmt::format("wanted 1 to {} bytes, have {}", kMaxInlineIdBytes, id.size()));
    } else if (!seen.insert(id).second) {
      violations.Add(field, fmt::format("\"{}\" is there twice", id));
    }
  }
  if (bytes > kMaxInlineBytes) {
    violations.Add("sources.inline_documents",
                   fmt::format("wanted at most {} bytes of text, have {}: upload them to a "
                               "collection",
                               kMaxInlineBytes, bytes));
  }
}

void CheckOptions(const pb::StrategyOptions& options, Violations& violations) {
  constexpr std::int32_t kNoLimit = std::numeric_limits<std::int32_t>::max();
  violations.CheckCount("options.top_k", options.top_k(), 100);
  violations.CheckCount("options.max_answer_tokens", options.max_answer_tokens(), kNoLimit);
  violations.CheckCount("options.max_concurrent_calls", options.max_concurrent_calls(), 64);
  violations.CheckCount("options.max_calls", options.max_calls(), kNoLimit);
  const float temperature = options.temperature();
  if (!std::isfinite(temperature) || temperature < 0.0f || temperature > kMaxTemperature) {
    violations.Add("options.temperature", fmt::format("wanted a number from 0 to {}, have {}",
                                                      kMaxTemperature, temperature));
  }
}

void CheckQuestion(std::string_view question, Violations& violations) {
  if (TrimAscii(question).empty()) {
    violations.Add("question", "wanted text, have none");
  } else if (question.size() > kMaxSubjectBytes) {
    violations.Add("question", fmt::format("wanted at most {} bytes, have {}", kMaxSubjectBytes,
                                           question.size()));
  }
}

void CheckFocus(std::string_view focus, Violations& violations) {
  if (focus.size() > kMaxSubjectBytes) {
    violations.Add("focus",
                   fmt::format("wanted at most {} bytes, have {}", kMaxSubjectBytes, focus.size()));
  }
}

// What Ask and Summarize have in common.
template <typename Request>
StatusOr<AnswerTask> ToCommonTask(const Request& request, Violations& violations) {
  CheckCollection(request.sources(), violations);
  CheckInlineDocuments(request.sources(), violations);
  CheckOptions(request.options(), violations);
  if (!pb::Strategy_IsValid(request.strategy())) {
    violations.Add("strategy",
                   fmt::format("wanted a Strategy, have {}", static_cast<int>(request.strategy())));
  }
  QUIRE_RETURN_IF_ERROR(violations.status());

  AnswerTask task;
  task.collection = request.sources().collection();
  task.documents.assign(request.sources().documents().begin(), request.sources().documents().end());
  for (const pb::InlineDocument& document : request.sources().inline_documents()) {
    task.inline_documents.push_back(
        {.name = document.id(),
         .title = document.title().empty() ? document.id() : document.title(),
         .version = 0,
         .text = document.text()});
  }
  if (request.strategy() != pb::STRATEGY_UNSPECIFIED) task.strategy = request.strategy();
  const pb::StrategyOptions& options = request.options();
  if (options.top_k() > 0) task.top_k = options.top_k();
  if (options.max_concurrent_calls() > 0) {
    task.max_concurrent_calls = options.max_concurrent_calls();
  }
  if (options.max_calls() > 0) task.max_calls = options.max_calls();
  task.max_answer_tokens = options.max_answer_tokens();
  task.temperature = options.temperature();
  if (options.has_seed()) task.seed = options.seed();
  return task;
}

}  // namespace

StatusOr<AnswerTask> ToTask(const pb::AskRequest& request) {
  Violations violations;
  CheckQuestion(request.question(), violations);
  QUIRE_ASSIGN_OR_RETURN(AnswerTask task, ToCommonTask(request, violations));
  task.is_question = true;
  task.subject = request.question();
  return task;
}

StatusOr<AnswerTask> ToTask(const pb::SummarizeRequest& request) {
  Violations violations;
  CheckFocus(request.focus(), violations);
  QUIRE_ASSIGN_OR_RETURN(AnswerTask task, ToCommonTask(request, violations));
  task.is_question = false;
  task.subject = request.focus();
  return task;
}

}  // namespace quire::services
