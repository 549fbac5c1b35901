#include "engine/formats/safetensors_header.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_set>
#include <utility>

namespace quire::engine {
namespace {

constexpr std::size_t kMaxRank = 16;

// Reads the header event by event: nlohmann's tree would keep the last of two equal keys and take
// several times the header's size.
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  SafetensorsHeader Take() { return std::move(header_); }
  const Status& status() const { return status_; }

  bool start_object(std::size_t) override {
    if (state_ == State::kStart) return Enter(State::kTop);
    if (state_ != State::kName) return Reject("an object");
    if (name_ == "__metadata__") return Enter(State::kMetadata);
    tensor_ = TensorInfo{};
    tensor_.name = name_;
    seen_.clear();
    return Enter(State::kTensor);
  }

  bool key(string_t& name) override {
    switch (state_) {
      case State::kTop:
        if (!names_.insert(name).second) return Fail(DataLoss("tensor {}: named twice", name));
        name_ = name;
        return Enter(State::kName);
      case State::kMetadata:
        if (header_.metadata.contains(name)) {
          return Fail(DataLoss("__metadata__: {}: named twice", name));
        }
        field_ = name;
        return true;
      case State::kTensor:
        if (name != "dtype" && name != "shape" && name != "data_offsets") {
          return Fail(DataLoss("tensor {}: unknown field {}", name_, name));
        }
        if (!seen_.insert(name).second) {
          return Fail(DataLoss("tensor {}: {}: named twice", name_, name));
        }
        field_ = name;
        return true;
      default:
        return Reject("a key");
    }
  }

  bool end_object() override {
    if (state_ == State::kTop) return Enter(State::kEnd);
    if (state_ == State::kTensor) {
      if (seen_.size() != 3) {
        return Fail(DataLoss("tensor {}: wanted dtype, shape and data_offsets", name_));
      }
      header_.tensors.push_back(std::move(tensor_));
    }
    return Enter(State::kTop);
  }

  bool string(string_t& value) override {
    if (state_ == State::kMetadata) {
      header_.metadata.emplace(field_, value);
      return true;
    }
    if (state_ != State::kTensor || field_ != "dtype") return Reject("a string");
    const auto dtype = ParseTensorDType(value);
    if (!dtype) return Fail(DataLoss("tensor {}: unknown dtype {}", name_, value));
    tensor_.dtype = *dtype;
    return true;
  }

  bool start_array(std::size_t) override {
    if (state_ != State::kTensor || field_ == "dtype") return Reject("an array");
    numbers_.clear();
    return Enter(State::kNumbers);
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (state_ != State::kNumbers) return Reject("a number");
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return Fail(DataLoss("tensor {}: {}: {} is too large", name_, field_, value));
    }
    if (numbers_.size() == kMaxRank) {
      return Fail(DataLoss("tensor {}: {}: wanted at most {} numbers", name_, field_, kMaxRank));
    }
    numbers_.push_back(static_cast<std::int64_t>(value));
    return true;
  }

  bool end_array() override {
    if (field_ == "shape") {
      tensor_.shape = numbers_;
    } else if (numbers_.size() != 2) {
      return Fail(
          DataLoss("tensor {}: data_offsets: wanted 2 numbers, have {}", name_, numbers_.size()));
    } else {
      tensor_.begin = static_cast<std::uint64_t>(numbers_[0]);
      tensor_.end = static_cast<std::uint64_t>(numbers_[1]);
    }
    return Enter(State::kTensor);
  }

  bool null() override { return Reject("null"); }
  bool boolean(bool) override { return Reject("a truth value"); }
  bool number_integer(number_integer_t) override { return Reject("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { return Reject("a fraction"); }
  bool binary(binary_t&) override { return Reject("binary"); }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception&) override {
    return Fail(DataLoss("header: invalid JSON at byte {}", position));
  }

 private:
  enum class State { kStart, kTop, kName, kMetadata, kTensor, kNumbers, kEnd };

  bool Enter(State state) {
    state_ = state;
    return true;
  }
  bool Fail(Status status) {
    if (status_.ok()) status_ = std::move(status);
    return false;
  }
  bool Reject(std::string_view what) {
    if (name_.empty()) return Fail(DataLoss("header: unexpected {}", what));
    return Fail(DataLoss("tensor {}: unexpected {}", name_, what));
  }

  State state_ = State::kStart;
  Status status_;
  SafetensorsHeader header_;
  std::unordered_set<std::string> names_;
  std::string name_;   // of the entry being read
  std::string field_;  // of the entry
  std::set<std::string> seen_;
  TensorInfo tensor_;
  std::vector<std::int64_t> numbers_;
};

}  // namespace

StatusOr<SafetensorsHeader> ParseSafetensorsHeader(std::string_view json) {
  if (json.empty() || json.front() != '{') return DataLoss("header: wanted '{{' at its start");
  // The parser takes a zero byte for the end of its input.
  if (json.find('\0') != std::string_view::npos) return DataLoss("header: holds a zero byte");
  HeaderReader reader;
  const bool complete = nlohmann::json::sax_parse(json, &reader);
  QUIRE_RETURN_IF_ERROR(reader.status());
  if (!complete) return DataLoss("header: invalid JSON");
  return reader.Take();
}

}  // namespace quire::engine
