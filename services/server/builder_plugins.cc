#include "services/server/builder_plugins.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/impl/server_builder_option.h>
#include <grpcpp/impl/server_builder_plugin.h>
#include <grpcpp/impl/server_initializer.h>

#include <functional>
#include <memory>
#include <utility>

namespace quire::services {
namespace {

using ReflectionPlugin = grpc::reflection::ProtoServerReflectionPlugin;
using Plugins = std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>;

// gRPC gives every builder a plugin that lists the services of the server it runs on. To describe
// another server, one plugin is shared by two builders: the host registers the service, the
// described one gives the list.
class SharedReflection final : public grpc::ServerBuilderPlugin {
 public:
  enum class Role { kHost, kDescribed };
  SharedReflection(std::shared_ptr<ReflectionPlugin> plugin, Role role)
      : plugin_(std::move(plugin)), role_(role) {}

  std::string name() override { return "quire.reflection"; }
  void InitServer(grpc::ServerInitializer* initializer) override {
    if (role_ == Role::kHost) plugin_->InitServer(initializer);
  }
  void Finish(grpc::ServerInitializer* initializer) override {
    if (role_ == Role::kDescribed) plugin_->Finish(initializer);
  }
  void ChangeArguments(const std::string&, void*) override {}
  bool has_sync_methods() const override {
    return role_ == Role::kHost && plugin_->has_sync_methods();
  }
  bool has_async_methods() const override {
    return role_ == Role::kHost && plugin_->has_async_methods();
  }

 private:
  const std::shared_ptr<ReflectionPlugin> plugin_;
  const Role role_;
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

// Changes the plugins of one builder.
class PluginOption final : public grpc::ServerBuilderOption {
 public:
  explicit PluginOption(std::function<void(Plugins&)> change) : change_(std::move(change)) {}
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(Plugins* plugins) override { change_(*plugins); }

 private:
  const std::function<void(Plugins&)> change_;
};

void ReplaceReflection(grpc::ServerBuilder& builder,
                       const std::shared_ptr<ReflectionPlugin>& plugin,
                       SharedReflection::Role role) {
  builder.SetOption(std::make_unique<PluginOption>([plugin, role](Plugins& plugins) {
    std::erase_if(plugins, [&](const auto& other) { return other->name() == plugin->name(); });
    plugins.push_back(std::make_unique<SharedReflection>(plugin, role));
  }));
}

}  // namespace

void MoveReflection(grpc::ServerBuilder& described, grpc::ServerBuilder& host) {
  const auto plugin = std::make_shared<ReflectionPlugin>();
  ReplaceReflection(described, plugin, SharedReflection::Role::kDescribed);
  ReplaceReflection(host, plugin, SharedReflection::Role::kHost);
}

void RecordServiceNames(grpc::ServerBuilder& builder, std::vector<std::string>& names) {
  builder.SetOption(std::make_unique<PluginOption>(
      [&names](Plugins& plugins) { plugins.push_back(std::make_unique<NameRecorder>(names)); }));
}

}  // namespace quire::services
