#include "services/orchestrator/strategies/passage_sampler.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "services/orchestrator/packing/source_document.h"
#include "services/orchestrator/packing/text_units.h"

namespace quire::services {
namespace {

// `count` of the indexes below `total`, at equal distances from 0 on.
std::vector<std::size_t> EvenIndexes(std::size_t total, std::size_t count) {
  std::vector<std::size_t> indexes(std::min(total, count));
  for (std::size_t i = 0; i < indexes.size(); ++i) indexes[i] = i * total / indexes.size();
  return indexes;
}

// How many of `count` passages each document gets: one each, the rest by length.
std::vector<std::size_t> Shares(std::span<const StoredDocument> documents, std::size_t count) {
  std::vector<std::size_t> shares(documents.size(), 1);
  for (std::size_t given = documents.size(); given < count; ++given) {
    // To the document with the most text per passage.
    std::size_t neediest = 0;
    for (std::size_t i = 1; i < documents.size(); ++i) {
      if (documents[i].text_bytes * static_cast<std::int64_t>(shares[neediest]) >
          documents[neediest].text_bytes * static_cast<std::int64_t>(shares[i])) {
        neediest = i;
      }
    }
    ++shares[neediest];
  }
  return shares;
}

}  // namespace

std::vector<std::size_t> SpreadOrder(std::size_t count) {
  const std::size_t range = std::bit_ceil(std::max<std::size_t>(count, 1));
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < range; ++i) {
    std::size_t reversed = 0;
    for (std::size_t bit = 1; bit < range; bit *= 2) {
      reversed = reversed * 2 + ((i & bit) != 0 ? 1 : 0);
    }
    if (reversed < count) order.push_back(reversed);
  }
  return order;
}

StatusOr<std::vector<Passage>> SamplePassages(std::span<const StoredDocument> documents,
                                              std::int32_t count, Retriever& retriever) {
  std::vector<StoredDocument> chosen;
  for (const std::size_t i : EvenIndexes(documents.size(), static_cast<std::size_t>(count))) {
    chosen.push_back(documents[i]);
  }
  const std::vector<std::size_t> shares = Shares(chosen, static_cast<std::size_t>(count));
  std::vector<std::vector<Passage>> by_document;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    QUIRE_ASSIGN_OR_RETURN(std::string text, retriever.ReadText(chosen[i]));
    const SourceDocument document = {.name = chosen[i].name,
                                     .title = chosen[i].title,
                                     .version = chosen[i].version,
                                     .text = std::move(text)};
    const std::vector<Passage> all =
        PassagesOf({&document, 1}, JoinIntoPassages(CutIntoUnits({&document, 1})));
    const std::vector<std::size_t> indexes = EvenIndexes(all.size(), shares[i]);
    std::vector<Passage>& sample = by_document.emplace_back();
    for (const std::size_t index : SpreadOrder(indexes.size())) {
      sample.push_back(all[indexes[index]]);
    }
  }
  // One of each document in turn.
  std::vector<Passage> passages;
  for (std::size_t round = 0; round < static_cast<std::size_t>(count); ++round) {
    for (const std::size_t i : SpreadOrder(by_document.size())) {
      if (round < by_document[i].size()) passages.push_back(by_document[i][round]);
    }
  }
  return passages;
}

}  // namespace quire::services
