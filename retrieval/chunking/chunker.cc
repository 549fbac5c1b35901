#include "retrieval/chunking/chunker.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "retrieval/chunking/units.h"

namespace quire::retrieval {
namespace {

constexpr std::int32_t kDefaultChunkTokens = 200;
constexpr std::size_t kMaxBytesPerToken = 32;
// A section shorter than this part of a chunk does not end it.
constexpr std::int32_t kSmallSection = 4;

// Units [begin, end) of a document, one chunk to be.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::int32_t budget = 0;  // tokens it was packed to
  std::int32_t tokens = kNotCounted;
};

// Packs the units of one document.
class Packer {
 public:
  Packer(std::span<const Unit> units, std::size_t max_bytes, std::int32_t overlap_tokens)
      : units_(units), max_bytes_(max_bytes), overlap_tokens_(overlap_tokens) {}

  // Appends spans of at most `budget` tokens, by the sum of their units, that cover [first, last).
  // A unit with more is a span of its own.
  void Pack(std::size_t first, std::size_t last, std::int32_t budget,
            std::vector<Span>& spans) const {
    std::size_t begin = first;
    for (;;) {
      const std::size_t end = FindEnd(begin, last, budget);
      spans.push_back({.begin = begin, .end = end, .budget = budget});
      if (end == last) return;
      begin = FindOverlap(begin, end, budget);
    }
  }

 private:
  bool IsHeading(std::size_t unit) const { return units_[unit].heading >= 0; }
  std::size_t Bytes(std::size_t begin, std::size_t last) const {
    return units_[last].end - units_[begin].start;
  }

  // Where the span that starts at `begin` ends.
  std::size_t FindEnd(std::size_t begin, std::size_t last, std::int32_t budget) const {
    std::int64_t tokens = units_[begin].tokens;
    std::size_t end = begin + 1;
    for (; end < last; ++end) {
      const bool full = tokens + units_[end].tokens > budget || Bytes(begin, end) > max_bytes_;
      const bool section = IsHeading(end) && tokens >= budget / kSmallSection;
      if (full || section) break;
      tokens += units_[end].tokens;
    }
    // Headings go with what they head.
    std::size_t body_end = end;
    while (end < last && body_end > begin && IsHeading(body_end - 1)) --body_end;
    return body_end > begin ? body_end : end;
  }

  // Where the span after [begin, end) starts, so that it repeats whole units and still takes in
  // the one at `end`.
  std::size_t FindOverlap(std::size_t begin, std::size_t end, std::int32_t budget) const {
    if (IsHeading(end)) return end;
    std::int64_t overlap = 0;
    std::size_t start = end;
    // Not across a heading, which would end the span there.
    while (start > begin + 1 && !IsHeading(start)) {
      const std::int64_t longer = overlap + units_[start - 1].tokens;
      if (longer > overlap_tokens_ || longer + units_[end].tokens > budget ||
          Bytes(start - 1, end) > max_bytes_) {
        break;
      }
      overlap = longer;
      --start;
    }
    return start;
  }

  const std::span<const Unit> units_;
  const std::size_t max_bytes_;
  const std::int32_t overlap_tokens_;
};

std::string_view TextOf(std::string_view text, std::span<const Unit> units, const Span& span) {
  const std::size_t start = units[span.begin].start;
  return text.substr(start, units[span.end - 1].end - start);
}

// Counts the tokens of spans not counted yet; a single unit has been.
Status CountSpans(std::string_view text, std::span<const Unit> units, const TokenCounter& counter,
                  std::vector<Span>& spans) {
  BatchedTokenCounter batches(counter);
  for (Span& span : spans) {
    if (span.tokens != kNotCounted) continue;
    if (span.end == span.begin + 1) {
      span.tokens = units[span.begin].tokens;
    } else {
      QUIRE_RETURN_IF_ERROR(batches.Add(TextOf(text, units, span), span.tokens));
    }
  }
  return batches.Flush();
}

// A span that was packed again starts with the overlap of the one before, and may end within it; or
// it starts behind the overlap that the next one repeats. Drops the first, shortens the second.
void KeepOrder(std::vector<Span>& spans) {
  std::vector<Span> ordered;
  ordered.reserve(spans.size());
  for (Span span : spans) {
    if (!ordered.empty()) {
      const Span& before = ordered.back();
      if (span.end <= before.end) continue;
      if (span.begin <= before.begin) {
        span.begin = before.end;
        span.tokens = kNotCounted;
      }
    }
    ordered.push_back(span);
  }
  spans = std::move(ordered);
}

// A text may have more tokens than its sentences together. Such spans are packed again, to less,
// until each fits; the single unit, which fits, is the last resort.
StatusOr<std::vector<Span>> PackVerified(std::string_view text, std::span<const Unit> units,
                                         const ChunkingOptions& options,
                                         const TokenCounter& counter) {
  const Packer packer(units, kMaxBytesPerToken * static_cast<std::size_t>(options.chunk_tokens),
                      options.overlap_tokens);
  const auto too_long = [&](const Span& span) { return span.tokens > options.chunk_tokens; };
  std::vector<Span> spans;
  packer.Pack(0, units.size(), options.chunk_tokens, spans);
  for (;;) {
    QUIRE_RETURN_IF_ERROR(CountSpans(text, units, counter, spans));
    if (std::ranges::none_of(spans, too_long)) return spans;
    std::vector<Span> repacked;
    repacked.reserve(spans.size());
    for (const Span& span : spans) {
      if (too_long(span)) {
        packer.Pack(span.begin, span.end, span.budget - span.budget / 8 - 1, repacked);
      } else {
        repacked.push_back(span);
      }
    }
    KeepOrder(repacked);
    spans = std::move(repacked);
  }
}

// Follows the headings through a document.
class HeadingPath {
 public:
  explicit HeadingPath(const std::vector<Heading>& headings) : headings_(headings) {}

  // Titles in force at `position`, one that starts there included. Positions must ascend.
  std::vector<std::string> At(std::size_t position) {
    for (; next_ < headings_.size() && headings_[next_].start <= position; ++next_) {
      while (!open_.empty() && open_.back()->level >= headings_[next_].level) open_.pop_back();
      open_.push_back(&headings_[next_]);
    }
    std::vector<std::string> titles;
    titles.reserve(open_.size());
    for (const Heading* heading : open_) titles.push_back(heading->title);
    return titles;
  }

 private:
  const std::vector<Heading>& headings_;
  std::size_t next_ = 0;
  std::vector<const Heading*> open_;
};

}  // namespace

StatusOr<std::int32_t> ResolveChunkTokens(std::int32_t chunk_tokens, std::int32_t max_tokens) {
  if (chunk_tokens == 0) return std::min(kDefaultChunkTokens, max_tokens);
  if (chunk_tokens > 0 && chunk_tokens <= max_tokens) return chunk_tokens;
  return InvalidArgument("chunk tokens: wanted 1 to {} (the model's limit), have {}", max_tokens,
                         chunk_tokens);
}

StatusOr<std::int32_t> ResolveOverlapTokens(std::optional<std::int32_t> overlap_tokens,
                                            std::int32_t chunk_tokens) {
  constexpr std::int32_t kDefaultPart = 8;
  const std::int32_t overlap = overlap_tokens.value_or(chunk_tokens / kDefaultPart);
  if (overlap >= 0 && overlap <= chunk_tokens / 2) return overlap;
  return InvalidArgument("overlap tokens: wanted 0 to {} (half a chunk), have {}", chunk_tokens / 2,
                         overlap);
}

Chunker::Chunker(const ChunkingOptions& options, TokenCounter counter)
    : options_(options), counter_(std::move(counter)) {}

StatusOr<std::vector<Chunk>> Chunker::Split(const ParsedDocument& document) const {
  const UnitLimits limits{
      .tokens = options_.chunk_tokens,
      .bytes = kMaxBytesPerToken * static_cast<std::size_t>(options_.chunk_tokens)};
  QUIRE_ASSIGN_OR_RETURN(const std::vector<Unit> units, FindUnits(document, limits, counter_));
  std::vector<Chunk> chunks;
  if (units.empty()) return chunks;
  QUIRE_ASSIGN_OR_RETURN(const std::vector<Span> spans,
                         PackVerified(document.text, units, options_, counter_));
  HeadingPath path(document.headings);
  chunks.reserve(spans.size());
  for (const Span& span : spans) {
    const std::size_t start = units[span.begin].start;
    chunks.push_back({.start = start,
                      .end = units[span.end - 1].end,
                      .num_tokens = span.tokens,
                      .headings = path.At(start)});
  }
  return chunks;
}

}  // namespace quire::retrieval
