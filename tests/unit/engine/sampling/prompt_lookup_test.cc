#include "engine/sampling/prompt_lookup.h"

#include <gtest/gtest.h>

namespace quire::engine {
namespace {

using Tokens = std::vector<TokenId>;

TEST(PromptLookupTest, WhatFollowedTheSameThreeTokensIsGuessed) {
  PromptLookup lookup(8);
  EXPECT_EQ(lookup.Guess(Tokens{1, 2, 3, 4, 5, 6, 9, 1, 2, 3}), (Tokens{4, 5, 6, 9}));
  EXPECT_EQ(PromptLookup(3).Guess(Tokens{1, 2, 3, 4, 5, 6, 9, 1, 2, 3}), (Tokens{4, 5, 6}));
}

TEST(PromptLookupTest, TheLatestPlaceCounts) {
  PromptLookup lookup(8);
  EXPECT_EQ(lookup.Guess(Tokens{1, 2, 3, 4, 0, 1, 2, 3, 5, 0, 1, 2, 3}).front(), 5);
}

TEST(PromptLookupTest, NothingRepeatsNothingIsGuessed) {
  PromptLookup lookup(8);
  EXPECT_TRUE(lookup.Guess(Tokens{1}).empty());
  EXPECT_TRUE(lookup.Guess(Tokens{1, 2, 3}).empty());
  EXPECT_TRUE(lookup.Guess(Tokens{1, 2, 3, 4}).empty());
}

TEST(PromptLookupTest, WhatGoesRoundIsGuessedToGoOn) {
  EXPECT_EQ(PromptLookup(8).Guess(Tokens{7, 7, 7, 7}), (Tokens{7, 7, 7, 7}));
  EXPECT_EQ(PromptLookup(8).Guess(Tokens{1, 2, 3, 1, 2, 3}), (Tokens{1, 2, 3, 1}));
}

TEST(PromptLookupTest, GuessesGrowWhileTheyAreRight) {
  PromptLookup lookup(16);
  Tokens tokens;
  for (TokenId id = 0; id < 40; ++id) tokens.push_back(id);
  tokens.insert(tokens.end(), {0, 1, 2});
  std::vector<std::size_t> sizes;
  TokenId next = 3;
  for (int i = 0; i < 3; ++i) {
    const Tokens guess = lookup.Guess(tokens);
    sizes.push_back(guess.size());
    lookup.Learn(static_cast<std::int32_t>(guess.size()), static_cast<std::int32_t>(guess.size()));
    // Those that were right and the token after them.
    for (std::size_t k = 0; k <= guess.size(); ++k) tokens.push_back(next++);
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{4, 8, 16}));
}

TEST(PromptLookupTest, WrongGuessesMakeItRest) {
  PromptLookup lookup(8);
  Tokens tokens = {1, 2, 3, 4, 1, 2, 3};
  int num_guesses = 0;
  for (int i = 0; i < 200; ++i) {
    if (!lookup.Guess(tokens).empty()) {
      ++num_guesses;
      lookup.Learn(2, 0);
    }
    // The same three tokens again, followed by another one each time.
    tokens.insert(tokens.end(), {100 + i, 1, 2, 3});
  }
  EXPECT_LE(num_guesses, 8);
  EXPECT_GE(num_guesses, 4);
}

}  // namespace
}  // namespace quire::engine
