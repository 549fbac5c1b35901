#include "engine/tokenizer/unigram_model.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/utf8.h"

namespace quire::engine {
namespace {

constexpr double kUnknownPenalty = 10.0;
constexpr TokenId kUnknown = -1;
constexpr TokenId kUnreached = -2;
// More than ten times the largest vocabulary in use; bounds the memory of the trie.
constexpr std::size_t kMaxVocabularyBytes = std::size_t{64} << 20;
// Texts up to this length are cut without allocating.
constexpr std::size_t kMaxWordBytes = 128;

}  // namespace

StatusOr<std::unique_ptr<UnigramModel>> UnigramModel::Create(const Vocabulary& vocabulary,
                                                             Options options,
                                                             std::string_view place) {
  std::unique_ptr<UnigramModel> model(new UnigramModel(std::move(options)));
  std::vector<std::pair<std::string_view, std::int32_t>> pieces;
  std::size_t bytes = 0;
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    const auto index = static_cast<std::size_t>(id);
    if (!std::isfinite(model->options_.scores[index])) {
      return InvalidArgument("{}[{}]: wanted a finite score, have {}", place, id,
                             model->options_.scores[index]);
    }
    if (!model->options_.usable[index]) continue;
    bytes += vocabulary.Text(id).size();
    if (bytes > kMaxVocabularyBytes) {
      return InvalidArgument("{}: wanted at most {} bytes of pieces, have more", place,
                             kMaxVocabularyBytes);
    }
    pieces.emplace_back(vocabulary.Text(id), id);
  }
  model->trie_ = PieceTrie(std::move(pieces));
  if (model->options_.byte_fallback) model->byte_ids_.emplace(vocabulary);
  return model;
}

void UnigramModel::Tokenize(std::string_view piece, std::vector<SubwordToken>& tokens) const {
  const PieceCache::Piece cached(piece);
  if (cache_.Find(cached, tokens)) return;
  const std::size_t first = tokens.size();
  if (options_.single_precision) {
    Cut<float>(piece, tokens);
  } else {
    Cut<double>(piece, tokens);
  }
  cache_.Put(cached, tokens, first);
}

template <typename Score>
void UnigramModel::Cut(std::string_view text, std::vector<SubwordToken>& tokens) const {
  // Neither is initialized: FindBestPaths does.
  std::array<Node<Score>, kMaxWordBytes + 1> of_word;
  std::unique_ptr<Node<Score>[]> of_text;
  if (text.size() > kMaxWordBytes) {
    of_text = std::make_unique_for_overwrite<Node<Score>[]>(text.size() + 1);
  }
  Node<Score>* const nodes = of_text ? of_text.get() : of_word.data();
  FindBestPaths(text, nodes);
  // The path from its end to its beginning, kept in the nodes it leads through: the last node knows
  // where its piece begins, each other one shall know where its piece ends.
  auto end = static_cast<std::uint32_t>(text.size());
  std::uint32_t next = end;
  TokenId id = kUnreached;
  for (std::uint32_t at = end;;) {
    const Node<Score> node = nodes[at];
    nodes[at].begin = next;  // from here on: where the piece that begins at `at` ends
    nodes[at].id = id;
    next = at;
    id = node.id;
    if (at == 0) break;
    at = node.begin;
  }
  for (std::uint32_t begin = 0; begin < text.size();) {
    end = nodes[begin].begin;
    if (nodes[begin].id != kUnknown) {
      tokens.push_back({nodes[begin].id, begin, end});
    } else {
      while (end < text.size() && nodes[end].id == kUnknown) end = nodes[end].begin;
      AppendUnknown(text, begin, end, tokens);
    }
    begin = end;
  }
}

template <typename Score>
void UnigramModel::FindBestPaths(std::string_view text, Node<Score>* nodes) const {
  std::fill_n(nodes, text.size() + 1, Node<Score>{0, 0, kUnreached});
  const auto unknown_score =
      static_cast<Score>(static_cast<Score>(options_.min_score) - kUnknownPenalty);
  for (std::size_t at = 0; at < text.size();) {
    const Score so_far = nodes[at].score;
    const auto length = static_cast<std::size_t>(DecodeUtf8(text, at).length_bytes);
    const auto offer = [&](std::size_t end, Score score, TokenId id) {
      Node<Score>& node = nodes[end];
      if (node.id != kUnreached && !(score > node.score)) return;
      node = {score, static_cast<std::uint32_t>(at), id};
    };
    bool is_piece = false;
    trie_.ForEachAt(text, at, [&](std::int32_t id, std::size_t length_bytes) {
      const auto score = static_cast<Score>(options_.scores[static_cast<std::size_t>(id)]);
      offer(at + length_bytes, score + so_far, id);
      is_piece |= length_bytes == length;
    });
    if (!is_piece) offer(at + length, static_cast<Score>(unknown_score + so_far), kUnknown);
    at += length;
  }
}

void UnigramModel::AppendUnknown(std::string_view text, std::uint32_t begin, std::uint32_t end,
                                 std::vector<SubwordToken>& tokens) const {
  if (byte_ids_ && byte_ids_->Append(text, begin, end, tokens)) return;
  if (options_.unknown_id) tokens.push_back({*options_.unknown_id, begin, end});
}

}  // namespace quire::engine
