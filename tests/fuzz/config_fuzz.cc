// The configuration: any bytes, as a file, give a Config or errors, quickly; the errors can be printed.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/config.h"
#include "config/keys.h"
#include "config/print.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sidecar;
  static const Environment environment({{"A", "1"}, {"HOST", "oap:11800"}, {"SW_SIDECAR_BATCH_AGE", "5ms"}});
  const std::string text(reinterpret_cast<const char*>(data), size);
  const LoadedConfig loaded = parse_config(text, "f", environment);
  for (const std::string& error : loaded.errors)
    for (const char c : error)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) std::abort();
  if (!loaded.errors.empty()) return 0;
  // What was accepted can be printed, and is accepted again with the same values.
  if (loaded.config.uplink.addresses.empty()) std::abort();
  const std::string printed = print_config(loaded, "f");
  if (printed.size() > kMaxConfigBytes) std::abort();
  const LoadedConfig again = parse_config(printed, "f", Environment());
  if (!again.errors.empty()) std::abort();
  for (const Key& key : config_keys()) {
    if (key.show(again.config) != key.show(loaded.config)) std::abort();
    if (key.list && key.items(again.config) != key.items(loaded.config)) std::abort();
  }
  return 0;
}
