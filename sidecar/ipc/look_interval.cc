#include "ipc/look_interval.h"

#include <algorithm>
#include <bit>

namespace sidecar {
namespace {

constexpr double kWanted = 0.35;
constexpr double kTooMuch = 0.45;
// Upwards by steps: a burst comes again.
constexpr int kStep = 4;

}  // namespace

Duration next_interval(Duration interval, double fill, Duration longest) {
  using std::chrono::milliseconds;
  if (interval < kShortestInterval) return fill > kTooMuch ? kAtOnce : kShortestInterval;
  // At this interval a socket would be as full as wanted.
  const double wanted = static_cast<double>(interval.count()) * kWanted / std::max(fill, 0.001);
  if (fill > kTooMuch) {
    const auto shorter = std::chrono::floor<milliseconds>(Duration(static_cast<Duration::rep>(wanted)));
    if (shorter >= kShortestInterval) return shorter;
    return interval > kShortestInterval ? Duration(kShortestInterval) : kAtOnce;
  }
  const Duration longer =
      interval + std::max<Duration>(kShortestInterval, std::chrono::floor<milliseconds>(interval / kStep));
  if (static_cast<double>(longer.count()) > wanted) return std::min(interval, longest);
  return std::min(longer, longest);
}

std::size_t buffer_charge(std::size_t size) {
  constexpr std::size_t kShared = 320;     // skb_shared_info, behind the data
  constexpr std::size_t kHead = 256;       // sk_buff
  constexpr std::size_t kLinear = 16'384;  // what is longer lies in pages of its own
  constexpr std::size_t kPage = 4096;
  if (size <= kLinear) return std::bit_ceil(size + kShared) + kHead;
  return (size + kPage - 1) / kPage * kPage + kHead;
}

}  // namespace sidecar
