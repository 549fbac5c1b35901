#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "retrieval/store/document_store.h"

namespace quire::testing {

// A store that a test can make fail, or look into, at a commit; otherwise the store below it.
class FailingDocumentStore final : public retrieval::DocumentStore {
 public:
  explicit FailingDocumentStore(std::unique_ptr<retrieval::DocumentStore> store)
      : store_(std::move(store)) {}

  StatusOr<std::vector<retrieval::CollectionRecord>> ListCollections() const override {
    return store_->ListCollections();
  }
  Status CreateCollection(retrieval::CollectionRecord& collection) override {
    return store_->CreateCollection(collection);
  }
  Status DeleteCollection(const retrieval::CollectionRecord& collection) override {
    return store_->DeleteCollection(collection);
  }
  StatusOr<retrieval::CollectionState> GetState(
      retrieval::CollectionNumber collection) const override {
    return store_->GetState(collection);
  }
  Status Commit(retrieval::CollectionNumber collection, const retrieval::CollectionState& state,
                std::span<const retrieval::DocumentChange> changes) override {
    ++num_commits;
    if (!commit_error.ok()) return commit_error;
    Status committed = store_->Commit(collection, state, changes);
    if (after_commit) after_commit();
    return committed;
  }
  StatusOr<std::unique_ptr<retrieval::StoreView>> NewView() const override {
    return store_->NewView();
  }

  Status commit_error;                 // of every commit, which then does nothing
  std::function<void()> after_commit;  // on disk, and not in the indexes yet
  std::atomic<int> num_commits = 0;

 private:
  const std::unique_ptr<retrieval::DocumentStore> store_;
};

}  // namespace quire::testing
