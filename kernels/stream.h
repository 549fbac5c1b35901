#pragma once

namespace quire::kernels {

// Order of work on one device. Each backend downcasts to its own type. One user at a time.
class Stream {
 public:
  virtual ~Stream() = default;
};

}  // namespace quire::kernels
