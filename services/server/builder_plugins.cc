#include "services/server/builder_plugins.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/impl/server_builder_option.h>
#include <grpcpp/impl/server_builder_plugin.h>
#include <grpcpp/impl/server_initializer.h>

#include <memory>
#include <utility>

namespace quire::services {
namespace {

using ReflectionPlugin = grpc::reflection::ProtoServerReflectionPlugin;

// gRPC's plugin lists the services of the server it runs on. To describe another server, one plugin
// is shared by two builders: the host registers the service, the described one gives the list.
class SharedReflection final : public grpc::ServerBuilderPlugin {
 public:
  SharedReflection(std::shared_ptr<ReflectionPlugin> plugin, bool hosts, bool describes)
      : plugin_(std::move(plugin)), hosts_(hosts), describes_(describes) {}

  std::string name() override { return "quire.reflection"; }
  void InitServer(grpc::ServerInitializer* initializer) override {
    if (hosts_) plugin_->InitServer(initializer);
  }
  void Finish(grpc::ServerInitializer* initializer) override {
    if (describes_) plugin_->Finish(initializer);
  }
  void ChangeArguments(const std::string&, void*) override {}
  bool has_sync_methods() const override { return hosts_ && plugin_->has_sync_methods(); }
  bool has_async_methods() const override { return hosts_ && plugin_->has_async_methods(); }

 private:
  const std::shared_ptr<ReflectionPlugin> plugin_;
  const bool hosts_;
  const bool describes_;
};

class NameRecorder final : public grpc::ServerBuilderPlugin {
 public:
  explicit NameRecorder(std::vector<std::string>& names) : names_(names) {}

  std::string name() override { return "quire.service_names"; }
  void InitServer(grpc::ServerInitializer*) override {}
  void Finish(grpc::ServerInitializer* initializer) override {
    names_ = *initializer->GetServiceList();
  }
  void ChangeArguments(const std::string&, void*) override {}

 private:
  std::vector<std::string>& names_;
};

// The way to give a plugin to one builder instead of all.
class PluginOption final : public grpc::ServerBuilderOption {
 public:
  explicit PluginOption(std::unique_ptr<grpc::ServerBuilderPlugin> plugin)
      : plugin_(std::move(plugin)) {}
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    plugins->push_back(std::move(plugin_));
  }

 private:
  std::unique_ptr<grpc::ServerBuilderPlugin> plugin_;
};

void Add(grpc::ServerBuilder& builder, std::unique_ptr<grpc::ServerBuilderPlugin> plugin) {
  builder.SetOption(std::make_unique<PluginOption>(std::move(plugin)));
}

}  // namespace

void EnableReflection(grpc::ServerBuilder& described, grpc::ServerBuilder& host) {
  const auto plugin = std::make_shared<ReflectionPlugin>();
  if (&described == &host) {
    Add(host, std::make_unique<SharedReflection>(plugin, /*hosts=*/true, /*describes=*/true));
    return;
  }
  Add(described, std::make_unique<SharedReflection>(plugin, /*hosts=*/false, /*describes=*/true));
  Add(host, std::make_unique<SharedReflection>(plugin, /*hosts=*/true, /*describes=*/false));
}

void RecordServiceNames(grpc::ServerBuilder& builder, std::vector<std::string>& names) {
  Add(builder, std::make_unique<NameRecorder>(names));
}

}  // namespace quire::services
