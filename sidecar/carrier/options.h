#pragma once

#include <cstdint>
#include <string_view>

namespace sidecar {

// What happens to a segment that finds its channel full.
enum class CarrierStrategy {
  blocking,     // the client gets no more credit: its socket is not read, its own buffer holds
  if_possible,  // the newest is dropped: channel_full
  override_,    // the oldest is dropped: overridden
};

// As the configuration spells it.
constexpr std::string_view to_text(CarrierStrategy strategy) {
  switch (strategy) {
    case CarrierStrategy::blocking:
      return "blocking";
    case CarrierStrategy::if_possible:
      return "if-possible";
    case CarrierStrategy::override_:
      return "override";
  }
  return "?";
}

// Bounds of the carrier; see conf/sidecar.yaml for what they mean to an operator.
struct CarrierOptions {
  unsigned channels = 8;                       // 1..256
  unsigned slots = 4096;                       // per channel, 256..1,048,576: a frame that is read may need 64
  std::uint64_t memory = 32ull * 1024 * 1024;  // of all channels together, 1 MiB..64 GiB
  CarrierStrategy strategy = CarrierStrategy::blocking;
};

}  // namespace sidecar
