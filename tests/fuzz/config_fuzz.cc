// The configuration: any bytes, as a file, give a Config or errors, quickly; the errors can be printed.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/config.h"
#include "config/keys.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sidecar;
  static const Environment environment({{"A", "1"}, {"HOST", "oap:11800"}, {"SW_SIDECAR_BATCH_AGE", "5ms"}});
  const std::string text(reinterpret_cast<const char*>(data), size);
  const LoadedConfig loaded = parse_config(text, "f", environment);
  for (const std::string& error : loaded.errors)
    for (const char c : error)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) std::abort();
  if (!loaded.errors.empty()) return 0;
  // What was accepted can be said, and is accepted again.
  if (loaded.config.uplink.addresses.empty()) std::abort();
  for (const Key& key : config_keys()) {
    Config copy;
    if (!key.list && !key.set(copy, key.show(loaded.config))) std::abort();
  }
  return 0;
}
