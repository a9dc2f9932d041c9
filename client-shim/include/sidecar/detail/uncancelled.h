#pragma once

// Uncancelled keeps pthread_cancel() off while it lives: connect, send and poll are points where a thread may be
// unwound, which from inside a function that throws nothing would end the program, and would leave the core held for
// ever. A thread that was cancelled meanwhile goes at its next such point outside.

#include <pthread.h>

namespace sidecar {
inline namespace v1 {
namespace detail {

class Uncancelled {
 public:
  Uncancelled() noexcept { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~Uncancelled() { ::pthread_setcancelstate(before_, nullptr); }
  Uncancelled(const Uncancelled&) = delete;
  Uncancelled& operator=(const Uncancelled&) = delete;

 private:
  int before_ = PTHREAD_CANCEL_ENABLE;
};

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
