#include <google/protobuf/stubs/common.h>
#include <grpcpp/grpcpp.h>
#include <sys/utsname.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "kernels/device.h"
#include "quire/inference/v1/inference.grpc.pb.h"
#include "services/cli/commands/commands.h"
#include "services/cli/model_path.h"
#include "services/cli/session.h"
#include "services/cli/table.h"
#include "services/server/channel.h"
#include "services/server/version.h"

namespace quire::services::cli {
namespace {

// Instruction sets that kernels have bodies for or that say what a machine could do.
constexpr std::array<const char*, 8> kCpuFeatures = {
    "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "amx_bf16"};

class DoctorCommand final : public Command {
 public:
  explicit DoctorCommand(CLI::App& parent)
      : Command(parent, {.name = "doctor",
                         .summary = "This machine, versions, and what would be used",
                         .group = kOperationCommands,
                         .examples = "  quire doctor\n"
                                     "  quire doctor --server localhost:50051"}) {}

  Status Run(Session& session) override;
};

void Line(std::string_view what, std::string_view value) {
  Print(fmt::format("{:<18} {}\n", what, value));
}

// "key : value" lines of a /proc file; the first of each key.
std::map<std::string, std::string> ReadKeys(const char* path) {
  constexpr char kBlank[] = " \t";
  std::map<std::string, std::string> keys;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string key = line.substr(0, line.find_last_not_of(kBlank, colon - 1) + 1);
    const std::size_t value = line.find_first_not_of(kBlank, colon + 1);
    keys.emplace(key, value == std::string::npos ? "" : line.substr(value));
  }
  return keys;
}

std::string KernelVersion() {
  utsname name{};
  return uname(&name) == 0 ? fmt::format("{} {} {}", name.sysname, name.release, name.machine) : "";
}

void PrintCpu() {
  auto cpu = ReadKeys("/proc/cpuinfo");
  std::istringstream words(cpu["flags"]);
  std::string features;
  for (std::string word; words >> word;) {
    for (const char* feature : kCpuFeatures) {
      if (word == feature) features += (features.empty() ? "" : " ") + word;
    }
  }
  Line("CPU",
       fmt::format("{}, {} threads", cpu["model name"], std::thread::hardware_concurrency()));
  Line("CPU features", features);
}

void PrintMemory() {
  auto memory = ReadKeys("/proc/meminfo");
  const auto bytes = [&](const char* key) {
    return FormatBytes(std::strtoll(memory[key].c_str(), nullptr, 10) * 1024);
  };
  Line("memory", fmt::format("{}, {} available", bytes("MemTotal"), bytes("MemAvailable")));
}

void PrintDevices() {
  std::string names;
  bool gpu = false;
  for (const auto& device : kernels::EnumerateDevices()) {
    names += (names.empty() ? "" : ", ") + std::string(device->name());
    if (const auto free = device->free_bytes()) {
      names += fmt::format(" ({} free)", FormatBytes(*free));
    }
    gpu = gpu || !device->name().starts_with("cpu");
  }
  Line("devices", names + " (the first is used unless --device says otherwise)");
  if (!gpu) Line("GPU", "none that this build can use");
}

void PrintModel(std::string_view what, ModelKind kind, const GlobalOptions& options) {
  const auto path = ResolveModel("", kind, options);
  Line(what, path.ok() ? *path : "none bundled: commands need one by flag");
}

Status PrintServer(Session& session) {
  const auto stub = inference::v1::InferenceService::NewStub(MakeChannel(session.options().server));
  QUIRE_ASSIGN_OR_RETURN(
      const auto response,
      CallUnary(session, *stub, &inference::v1::InferenceService::Stub::GetServerInfo,
                inference::v1::GetServerInfoRequest()));
  Line("server", fmt::format("{}: version {}, device {}, {} running, {} waiting",
                             session.options().server, response.version(), response.device(),
                             response.num_running_requests(), response.num_waiting_requests()));
  const inference::v1::MemoryPlan& memory = response.memory();
  Line("server memory",
       fmt::format(
           "{} available at start: language model {}, KV cache {} ({}, contexts of up to {} "
           "tokens), embedding model {}",
           FormatBytes(memory.available_bytes()),
           FormatBytes(memory.language_weight_bytes() + memory.language_workspace_bytes()),
           FormatBytes(memory.kv_cache_bytes()), memory.kv_cache_type(), memory.context_tokens(),
           FormatBytes(memory.embedding_weight_bytes() + memory.embedding_workspace_bytes())));
  return OkStatus();
}

Status DoctorCommand::Run(Session& session) {
  const GlobalOptions& options = session.options();
  Line("quire", Version());
  Line("gRPC", grpc::Version());
  Line("protobuf", google::protobuf::internal::VersionString(GOOGLE_PROTOBUF_VERSION));
  Line("system", KernelVersion());
  PrintCpu();
  PrintMemory();
  PrintDevices();
  Line("data directory", options.data_dir);
  PrintModel("language model", ModelKind::kLanguage, options);
  PrintModel("embedding model", ModelKind::kEmbedding, options);
  return session.is_remote() ? PrintServer(session) : OkStatus();
}

}  // namespace

std::unique_ptr<Command> NewDoctorCommand(CLI::App& parent) {
  return std::make_unique<DoctorCommand>(parent);
}

}  // namespace quire::services::cli
