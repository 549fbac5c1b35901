#include "services/hub/pull_model.h"

namespace quire::services::hub {

StatusOr<std::string> PullModel(std::string_view spec, const OnProgress& on_progress) {
  QUIRE_ASSIGN_OR_RETURN(const ModelReference reference, ParseModelReference(spec));
  QUIRE_ASSIGN_OR_RETURN(HubSettings settings, ReadHubSettings(ProcessEnvironment));
  return HubClient(std::move(settings)).Pull(reference, on_progress);
}

StatusOr<std::string> FindPulledModel(std::string_view spec) {
  QUIRE_ASSIGN_OR_RETURN(const ModelReference reference, ParseModelReference(spec));
  QUIRE_ASSIGN_OR_RETURN(HubSettings settings, ReadHubSettings(ProcessEnvironment));
  return HubClient(std::move(settings)).FindLocal(reference);
}

}  // namespace quire::services::hub
