#pragma once

// When to connect: 50 ms after the first failure, doubling to 30 s, each spread by half;
// at once after a connection that had served for a while; and never before the time for
// which the sidecar asked us to stay away. Pure but for its random numbers: the caller
// brings the time, in ms of the monotonic clock. Owner: the session.

#include <cstdint>

#include "sidecar/detail/process.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

class Backoff {
 public:
  static constexpr std::int64_t kFirstMs = 50;
  static constexpr std::int64_t kLastMs = 30'000;
  static constexpr std::int64_t kLongestMs = 600'000;  // after a REJECT that is permanent; nobody may ask for more

  // Not 0.
  void seed(std::uint64_t random) noexcept { random_ = random; }

  // Whether the sidecar would have us, and whether it is time by our own count.
  bool allowed(std::int64_t now) const noexcept { return now >= not_before_; }
  bool due(std::int64_t now) const noexcept { return now >= next_attempt_ && allowed(now); }

  void failed(std::int64_t now) noexcept {
    const unsigned shift = attempts_ < 10 ? attempts_ : 10;
    std::int64_t wait = kFirstMs << shift;
    if (wait > kLastMs) wait = kLastMs;
    count();
    next_attempt_ = now + wait / 2 + jitter(wait / 2);
  }
  // It counts as a failure until it has proved good.
  void connected(std::int64_t now) noexcept {
    count();
    connected_ = now;
  }
  void lost(std::int64_t now, bool welcomed) noexcept {
    if (!welcomed || now - connected_ < 2 * kFirstMs) return failed(now);
    attempts_ = 0;
    next_attempt_ = now;
  }
  void welcomed() noexcept { not_before_ = 0; }
  void stay_away(std::int64_t now, std::int64_t ms, std::int64_t spread_ms) noexcept {
    not_before_ = now + at_most(ms) + jitter(at_most(spread_ms));
  }

 private:
  static std::int64_t at_most(std::int64_t ms) noexcept { return ms < kLongestMs ? ms : kLongestMs; }
  void count() noexcept { attempts_ = attempts_ < 20 ? attempts_ + 1 : attempts_; }
  std::int64_t jitter(std::int64_t below) noexcept {
    if (below <= 0) return 0;
    return static_cast<std::int64_t>(next_random(random_) % static_cast<std::uint64_t>(below));
  }

  std::uint64_t random_ = 1;
  std::int64_t connected_ = 0;
  std::int64_t next_attempt_ = 0;
  std::int64_t not_before_ = 0;
  unsigned attempts_ = 0;
};

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
