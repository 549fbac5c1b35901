#pragma once

#include <CLI/CLI.hpp>
#include <string>

// Shell completion, written from the tree of commands itself: commands, options, fixed choices, the
// names of collections and models, else files.

namespace quire::services::cli {

std::string BashCompletion(const CLI::App& root);
std::string ZshCompletion(const CLI::App& root);
std::string FishCompletion(const CLI::App& root);

}  // namespace quire::services::cli
