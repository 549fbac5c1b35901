#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/status.h"

// What happens to a download on the disk.

namespace quire::services::hub {

// Makes the folder of `path`. Returns RESOURCE_EXHAUSTED if its disk has no room for what `path`
// lacks of `size_bytes`.
Status MakeRoom(const std::filesystem::path& path, std::int64_t size_bytes);

// Returns DATA_LOSS if the file has another size, or another content than `etag` promises: the
// SHA-256 of a file in the hub's large file storage, the SHA-1 of the git object else. Other etags
// promise nothing.
Status CheckContent(const std::filesystem::path& path, std::int64_t size_bytes,
                    const std::string& etag);

}  // namespace quire::services::hub
