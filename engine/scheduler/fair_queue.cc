#include "engine/scheduler/fair_queue.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "base/check.h"

namespace quire::engine {
namespace {

// Inactive clients that are remembered; more are forgotten all at once.
constexpr std::size_t kMaxRemembered = 1024;

double Weight(Priority priority) {
  switch (priority) {
    case Priority::kBatch:
      return 1.0;
    case Priority::kNormal:
      return 8.0;
    case Priority::kInteractive:
      return 64.0;
  }
  return 1.0;
}

}  // namespace

void FairQueue::Join(Sequence& sequence) {
  const SchedulingParams& params = sequence.request.scheduling;
  Client& client = clients_[{params.client, params.priority}];
  client.share.weight = Weight(params.priority);
  if (client.share.num_active++ == 0) Lift(client.share);
  ShareGroup& group = client.groups[params.group];
  group.client = &client.share;
  if (group.share.num_active++ == 0) {
    // As for clients: a group that comes later starts level with the others.
    double lowest = std::numeric_limits<double>::infinity();
    for (const auto& [name, other] : client.groups) {
      if (&other != &group) lowest = std::min(lowest, other.share.served);
    }
    if (lowest < std::numeric_limits<double>::infinity()) group.share.served = lowest;
  }
  sequence.share_group = &group;
}

void FairQueue::Lift(Share& share) {
  double lowest = std::numeric_limits<double>::infinity();
  for (const auto& [name, client] : clients_) {
    if (client.share.num_active > 0 && &client.share != &share) {
      lowest = std::min(lowest, client.share.served);
    }
  }
  if (lowest == std::numeric_limits<double>::infinity()) lowest = last_served_;
  share.served = std::max(share.served, lowest);
}

void FairQueue::Leave(Sequence& sequence) {
  if (sequence.share_group == nullptr) return;
  Remove(sequence);
  ShareGroup& group = *std::exchange(sequence.share_group, nullptr);
  Share& share = *group.client;
  const bool group_is_over = --group.share.num_active == 0;
  const SchedulingParams& params = sequence.request.scheduling;
  const auto client = clients_.find({params.client, params.priority});
  QUIRE_DCHECK(client != clients_.end());
  if (group_is_over) client->second.groups.erase(params.group);
  if (--share.num_active > 0) return;
  last_served_ = share.served;
  if (clients_.size() > kMaxRemembered) {
    std::erase_if(clients_, [](const auto& entry) { return entry.second.share.num_active == 0; });
  }
}

void FairQueue::Push(Sequence& sequence, bool in_front) {
  std::deque<Sequence*>& waiting = sequence.share_group->waiting;
  waiting.insert(in_front ? waiting.begin() : waiting.end(), &sequence);
  ++size_;
  num_tokens_ += sequence.num_tokens();
}

void FairQueue::Remove(Sequence& sequence) {
  if (std::erase(sequence.share_group->waiting, &sequence) == 0) return;
  --size_;
  num_tokens_ -= sequence.num_tokens();
}

void FairQueue::Charge(const Sequence& sequence, double tokens) {
  ShareGroup& group = *sequence.share_group;
  group.share.served += tokens;
  group.client->served += tokens / group.client->weight;
}

std::vector<const ShareGroup*> FairQueue::GroupsByTurn() const {
  std::vector<const ShareGroup*> groups;
  for (const auto& [name, client] : clients_) {
    for (const auto& [group_name, group] : client.groups) {
      if (!group.waiting.empty()) groups.push_back(&group);
    }
  }
  std::ranges::sort(groups, {}, [](const ShareGroup* group) {
    return std::tuple(group->client->served, group->share.served, group->waiting.front()->arrival);
  });
  return groups;
}

}  // namespace quire::engine
