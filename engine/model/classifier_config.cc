#include "engine/model/classifier_config.h"

#include <string>

namespace quire::engine {
namespace {

constexpr std::int64_t kMaxLabels = 1024;
// Of transformers, where config.json says nothing.
constexpr std::int32_t kDefaultLabels = 2;

void ReadNumLabels(JsonFields& fields, ClassifierConfig& classifier) {
  classifier.num_labels = kDefaultLabels;
  fields.Read("num_labels", classifier.num_labels, 1, kMaxLabels);
  const nlohmann::json* labels = fields.Find("id2label");
  if (labels == nullptr) return;
  if (!labels->is_object() || labels->empty() || labels->size() > kMaxLabels) {
    return fields.Fail("id2label", fmt::format("an object of 1 to {} labels", kMaxLabels));
  }
  classifier.num_labels = static_cast<std::int32_t>(labels->size());
}

std::string ActivationName(JsonFields& fields) {
  std::string name;
  fields.Read("sbert_ce_default_activation_function", name);
  if (std::optional<JsonFields> settings = fields.Object("sentence_transformers")) {
    settings->Read("activation_fn", name);
    fields.Fail(settings->status());
  }
  return name;
}

}  // namespace

void ReadClassifierFields(JsonFields& fields, ClassifierConfig& classifier) {
  using Activation = ClassifierConfig::Activation;
  ReadNumLabels(fields, classifier);
  const std::string name = ActivationName(fields);
  if (name.empty()) {
    classifier.activation =
        classifier.num_labels == 1 ? Activation::kSigmoid : Activation::kIdentity;
  } else if (name.ends_with(".Sigmoid")) {
    classifier.activation = Activation::kSigmoid;
  } else if (name.ends_with(".Identity")) {
    classifier.activation = Activation::kIdentity;
  } else {
    fields.Fail(Unimplemented("{}: activation of scores: wanted Sigmoid or Identity, have \"{}\"",
                              fields.where(), name));
  }
}

}  // namespace quire::engine
