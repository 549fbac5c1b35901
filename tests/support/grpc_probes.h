#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "grpc/health/v1/health.grpc.pb.h"

// What probes and tools ask of a server: health and reflection.

namespace quire::testing {

// Health/Check of `service`: "SERVING", "NOT_SERVING", or the name of the error.
inline std::string CheckHealth(const std::shared_ptr<grpc::Channel>& channel,
                               const std::string& service) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  grpc::health::v1::HealthCheckResponse response;
  const auto status =
      grpc::health::v1::Health::NewStub(channel)->Check(&context, request, &response);
  if (!status.ok()) {
    return absl::StatusCodeToString(static_cast<absl::StatusCode>(status.error_code()));
  }
  return grpc::health::v1::HealthCheckResponse::ServingStatus_Name(response.status());
}

// The first message of grpc.reflection's answer to "list services", encoded: it contains their full
// names. Empty if the server has no reflection. The generated code of the protocol is not at hand,
// hence the bytes.
inline std::string ListServices(const std::shared_ptr<grpc::Channel>& channel) {
  const std::string list_services("\x3a\x00", 2);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  grpc::CompletionQueue queue;
  const auto completed = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  grpc::GenericStub stub(channel);
  const auto call = stub.PrepareCall(
      &context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  call->StartCall(nullptr);
  completed();
  const grpc::Slice request_slice(list_services);
  call->WriteLast(grpc::ByteBuffer(&request_slice, 1), grpc::WriteOptions(), nullptr);
  completed();
  grpc::ByteBuffer response;
  call->Read(&response, nullptr);
  grpc::Slice slice;
  const bool answered = completed() && response.DumpToSingleSlice(&slice).ok();
  grpc::Status status;
  call->Finish(&status, nullptr);
  completed();
  if (!answered) return "";
  return std::string(reinterpret_cast<const char*>(slice.begin()), slice.size());
}

}  // namespace quire::testing
