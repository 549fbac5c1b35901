#include "services/server/version.h"

namespace quire::services {

std::string_view Version() { return QUIRE_VERSION; }

}  // namespace quire::services
