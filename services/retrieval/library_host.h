#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/server_context.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/status.h"
#include "quire/inference/v1/inference.grpc.pb.h"
#include "retrieval/library.h"
#include "services/retrieval/grpc_embedder.h"
#include "services/retrieval/grpc_reranker.h"

namespace quire::services {

// What the three services share: the library, once it is loaded, and the way to the inference
// service. Thread-safe.
class LibraryHost {
 public:
  // Takes a loaded library into service. Call once.
  void Start(std::unique_ptr<retrieval::Library> library,
             const std::shared_ptr<grpc::Channel>& inference);
  // For the message of those who come too early.
  void SetProgress(std::int64_t done, std::int64_t total);

  // Returns UNAVAILABLE with RetryInfo, saying how far it is, until the library is loaded.
  StatusOr<retrieval::Library*> library() const;
  // An embedder for one call. Requires: library() was OK.
  GrpcEmbedder EmbedderFor(grpc::ServerContext& context) const { return {*stub_, context}; }
  // A reranker for one call. Requires: library() was OK.
  GrpcReranker RerankerFor(grpc::ServerContext& context) const { return {*stub_, context}; }

 private:
  std::unique_ptr<inference::v1::InferenceService::StubInterface> stub_;
  std::unique_ptr<retrieval::Library> library_;
  std::atomic<bool> started_ = false;  // set last, after the two above
  std::atomic<std::int64_t> num_done_ = 0;
  std::atomic<std::int64_t> num_total_ = 0;
};

}  // namespace quire::services
