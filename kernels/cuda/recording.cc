#include "kernels/cuda/recording.h"

#include <cuda_runtime.h>

#include <cstdint>

namespace quire::kernels::cuda {
namespace {

class Graph final : public Recording {
 public:
  Graph(cudaGraphExec_t executable, std::uint64_t memory_generation)
      : executable_(executable), memory_generation_(memory_generation) {}
  ~Graph() override { cudaGraphExecDestroy(executable_); }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  cudaGraphExec_t executable() const { return executable_; }
  std::uint64_t memory_generation() const { return memory_generation_; }

 private:
  const cudaGraphExec_t executable_;
  const std::uint64_t memory_generation_;  // of the stream, when it was recorded
};

// Null if something could not be recorded.
cudaGraph_t Capture(CudaStream& stream, const std::function<void()>& enqueue) {
  // Of this thread alone: others may allocate meanwhile.
  if (cudaStreamBeginCapture(stream.handle(), cudaStreamCaptureModeThreadLocal) != cudaSuccess) {
    return nullptr;
  }
  stream.BeginRecording();
  enqueue();
  const cudaError_t error = stream.EndRecording();
  cudaGraph_t graph = nullptr;
  if (cudaStreamEndCapture(stream.handle(), &graph) == cudaSuccess && error == cudaSuccess) {
    return graph;
  }
  if (graph != nullptr) cudaGraphDestroy(graph);
  return nullptr;
}

}  // namespace

std::unique_ptr<Recording> RecordGraph(CudaStream& stream, const std::function<void()>& enqueue) {
  cudaGraphExec_t executable = nullptr;
  if (const cudaGraph_t graph = Capture(stream, enqueue); graph != nullptr) {
    if (cudaGraphInstantiate(&executable, graph, 0) != cudaSuccess) executable = nullptr;
    cudaGraphDestroy(graph);
  }
  if (executable == nullptr) {
    static_cast<void>(cudaGetLastError());  // so that the next launch does not report it
    return nullptr;
  }
  return std::make_unique<Graph>(executable, stream.memory_generation());
}

bool ReplayGraph(const Recording& recording, CudaStream& stream) {
  const auto& graph = static_cast<const Graph&>(recording);
  if (graph.memory_generation() != stream.memory_generation()) return false;
  stream.Record(cudaGraphLaunch(graph.executable(), stream.handle()));
  return true;
}

}  // namespace quire::kernels::cuda
