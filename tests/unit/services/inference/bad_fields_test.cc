// Every field of every request, found by reflection, at its extremes: refused by its path, at once,
// and before anything of its size is allocated. A field that is added later is tested too.

#include <gtest/gtest.h>
#include <time.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <limits>
#include <new>

#include "services/inference/validation.h"
#include "services/server/error_details.h"
#include "tests/support/status_matchers.h"

namespace {

thread_local std::size_t allocated_bytes = 0;

}  // namespace

// Counts what the calling thread allocates.
void* operator new(std::size_t size) {
  allocated_bytes += size;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace quire::services {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using quire::testing::HasCode;

constexpr double kMaxSeconds = 0.005;
constexpr std::size_t kMaxAllocatedBytes = std::size_t{1} << 20;

double ThreadSeconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// A field of a request or of a message in it.
struct Place {
  std::vector<const FieldDescriptor*> parents;  // from the request inwards
  const FieldDescriptor* field = nullptr;

  std::string path() const {
    std::string path;
    for (const FieldDescriptor* parent : parents) path += parent->name() + ".";
    return path + field->name();
  }
  // The message that has the field, made if it is not there.
  Message& In(Message& request) const {
    Message* message = &request;
    for (const FieldDescriptor* parent : parents) {
      message = message->GetReflection()->MutableMessage(message, parent);
    }
    return *message;
  }
};

// Fields of messages that are repeated are left to tests of their own.
void FindPlaces(const google::protobuf::Descriptor& type,
                const std::vector<const FieldDescriptor*>& parents, std::vector<Place>& places) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* const field = type.field(i);
    if (field->is_repeated() || field->message_type() == nullptr) {
      places.push_back({parents, field});
      continue;
    }
    std::vector<const FieldDescriptor*> inside = parents;
    inside.push_back(field);
    FindPlaces(*field->message_type(), inside, places);
  }
}

// Validates once. Expects a refusal by this path, soon and without large memory.
void ExpectRefused(const Place& place, const std::function<Status()>& validate) {
  SCOPED_TRACE(place.path());
  const std::size_t bytes_before = allocated_bytes;
  const double begin = ThreadSeconds();
  const Status status = validate();
  EXPECT_LT(ThreadSeconds() - begin, kMaxSeconds);
  EXPECT_LT(allocated_bytes - bytes_before, kMaxAllocatedBytes);
  ASSERT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
  const auto violations = FieldViolations(status);
  ASSERT_FALSE(violations.empty());
  EXPECT_TRUE(violations.front().field.starts_with(place.path())) << violations.front().field;
}

template <typename Request>
class BadFieldsTest : public ::testing::Test {
 protected:
  BadFieldsTest() { FindPlaces(*Request::descriptor(), {}, places_); }

  // A request with one field set; everything else as in `base_`.
  void ExpectRefusedWith(const Place& place,
                         const std::function<void(Message&, const FieldDescriptor*)>& set) {
    Request written = base_;
    set(place.In(written), place.field);
    // As it comes from the wire: without what reflection leaves to be done later.
    Request request;
    ASSERT_TRUE(request.ParseFromString(written.SerializeAsString()));
    ExpectRefused(place, [&] { return Validate(request); });
  }

  std::vector<Place> places_;
  const Request base_ = Valid(Request());

 private:
  static inference::v1::GenerateRequest Valid(inference::v1::GenerateRequest request) {
    request.set_text("Once");
    return request;
  }
  static inference::v1::ChatRequest Valid(inference::v1::ChatRequest request) {
    request.add_messages()->set_role("user");
    return request;
  }
  static inference::v1::RenderPromptRequest Valid(inference::v1::RenderPromptRequest request) {
    request.add_messages()->set_role("user");
    return request;
  }
  static inference::v1::CancelGroupRequest Valid(inference::v1::CancelGroupRequest request) {
    request.set_group_id("g");
    return request;
  }
  static inference::v1::EmbedRequest Valid(inference::v1::EmbedRequest request) {
    request.add_texts("x");
    return request;
  }
  static inference::v1::RerankRequest Valid(inference::v1::RerankRequest request) {
    request.set_query("x");
    request.add_documents("x");
    return request;
  }
  static inference::v1::ScoreRequest Valid(inference::v1::ScoreRequest request) {
    request.add_ids(1);
    request.add_ids(2);
    return request;
  }
  template <typename Other>
  static Other Valid(Other request) {
    return request;
  }
};

using Requests =
    ::testing::Types<inference::v1::GenerateRequest, inference::v1::ChatRequest,
                     inference::v1::CancelGroupRequest, inference::v1::RenderPromptRequest,
                     inference::v1::TokenizeRequest, inference::v1::DetokenizeRequest,
                     inference::v1::CountTokensRequest, inference::v1::EmbedRequest,
                     inference::v1::RerankRequest, inference::v1::ScoreRequest,
                     inference::v1::ListModelsRequest, inference::v1::GetModelRequest>;
TYPED_TEST_SUITE(BadFieldsTest, Requests);

TYPED_TEST(BadFieldsTest, BaseIsValid) {
  EXPECT_THAT(Validate(this->base_), quire::testing::IsOk());
}

TYPED_TEST(BadFieldsTest, FloatsThatAreNoNumberOrBeyondAllLimits) {
  using Limits = std::numeric_limits<float>;
  for (const Place& place : this->places_) {
    if (place.field->is_repeated() || place.field->cpp_type() != FieldDescriptor::CPPTYPE_FLOAT) {
      continue;
    }
    for (const float value : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity(),
                              Limits::max(), Limits::lowest()}) {
      this->ExpectRefusedWith(place, [&](Message& message, const FieldDescriptor* field) {
        message.GetReflection()->SetFloat(&message, field, value);
      });
    }
  }
}

TYPED_TEST(BadFieldsTest, IntegersBelowZero) {
  for (const Place& place : this->places_) {
    if (place.field->is_repeated() || place.field->cpp_type() != FieldDescriptor::CPPTYPE_INT32) {
      continue;
    }
    for (const std::int32_t value : {-1, std::numeric_limits<std::int32_t>::min()}) {
      this->ExpectRefusedWith(place, [&](Message& message, const FieldDescriptor* field) {
        message.GetReflection()->SetInt32(&message, field, value);
      });
    }
  }
}

TYPED_TEST(BadFieldsTest, UnknownEnumValues) {
  for (const Place& place : this->places_) {
    if (place.field->is_repeated() || place.field->cpp_type() != FieldDescriptor::CPPTYPE_ENUM) {
      continue;
    }
    for (const int value : {-1, 1'000'000, std::numeric_limits<std::int32_t>::max()}) {
      this->ExpectRefusedWith(place, [&](Message& message, const FieldDescriptor* field) {
        message.GetReflection()->SetEnumValue(&message, field, value);
      });
    }
  }
}

TYPED_TEST(BadFieldsTest, StringsBeyondAllLimits) {
  const std::string text(kMaxTextBytes + 1, 'x');
  for (const Place& place : this->places_) {
    if (place.field->is_repeated() || place.field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) {
      continue;
    }
    this->ExpectRefusedWith(place, [&](Message& message, const FieldDescriptor* field) {
      message.GetReflection()->SetString(&message, field, text);
    });
  }
}

TYPED_TEST(BadFieldsTest, TooManyOfEveryRepeatedField) {
  constexpr int kMany = 2'000'000;
  for (const Place& place : this->places_) {
    if (!place.field->is_repeated()) continue;
    this->ExpectRefusedWith(place, [](Message& message, const FieldDescriptor* field) {
      const google::protobuf::Reflection& reflection = *message.GetReflection();
      for (int i = 0; i < kMany; ++i) {
        if (field->cpp_type() == FieldDescriptor::CPPTYPE_INT32) {
          reflection.AddInt32(&message, field, 1);
        } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
          reflection.AddString(&message, field, "x");
        } else {
          Message* const added = reflection.AddMessage(&message, field);
          if (!field->is_map()) continue;
          const auto* const key = field->message_type()->map_key();
          added->GetReflection()->SetInt32(added, key, i);
        }
      }
    });
  }
}

}  // namespace
}  // namespace quire::services
