#include "kernels/activation.h"

#include "base/check.h"
#include "kernels/cpu/cpu_stream.h"
#include "kernels/cpu/operations.h"

namespace quire::kernels::cpu {

void GatedActivation(const GatedActivationArgs& args, Stream& stream) {
  QUIRE_DCHECK(args.gate.cols == args.up.cols && args.gate.cols == args.out.cols);
  auto& cpu = CpuStream::From(stream);
  const auto activate = cpu.microkernels().activate;
  ForRows(cpu, args.gate.rows, args.gate.cols, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      activate(args.kind, FloatRow(args.gate, t), FloatRow(args.up, t), FloatRow(args.out, t),
               args.gate.cols);
    }
  });
}

void Activation(const ActivationArgs& args, Stream& stream) {
  auto& cpu = CpuStream::From(stream);
  const auto activate = cpu.microkernels().activate;
  ForRows(cpu, args.x.rows, args.x.cols, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      float* x = FloatRow(args.x, t);
      activate(args.kind, x, /*up=*/nullptr, x, args.x.cols);
    }
  });
}

void Add(const AddArgs& args, Stream& stream) {
  QUIRE_DCHECK(args.x.rows == args.y.rows && args.x.cols == args.y.cols);
  auto& cpu = CpuStream::From(stream);
  const auto add = cpu.microkernels().add_to_f32[ElementIndex(DType::kF32)];
  ForRows(cpu, args.x.rows, args.x.cols, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      add(FloatRow(args.y, t), FloatRow(args.x, t), args.x.cols);
    }
  });
}

void Scale(const ScaleArgs& args, Stream& stream) {
  auto& cpu = CpuStream::From(stream);
  const auto scale = cpu.microkernels().scale;
  ForRows(cpu, args.x.rows, args.x.cols, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      scale(FloatRow(args.x, t), args.factor, args.x.cols);
    }
  });
}

void SoftCap(const SoftCapArgs& args, Stream& stream) {
  QUIRE_DCHECK(args.cap > 0);
  auto& cpu = CpuStream::From(stream);
  const auto soft_cap = cpu.microkernels().soft_cap;
  ForRows(cpu, args.x.rows, args.x.cols, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      soft_cap(FloatRow(args.x, t), args.cap, args.x.cols);
    }
  });
}

}  // namespace quire::kernels::cpu
