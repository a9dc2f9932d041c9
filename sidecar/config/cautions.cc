#include "config/cautions.h"

#include <fmt/format.h>

#include "base/regular_file.h"
#include "config/keys.h"
#include "config/text.h"

namespace sidecar {
namespace {

constexpr std::size_t kMaxFile = 1 << 20;  // what is read as PEM

std::string caution(const LoadedConfig& loaded, const Key& key, const std::string& text) {
  const auto place = loaded.places.find(key.path);
  return fmt::format("{}: warning: {}: {}", place == loaded.places.end() ? "default" : place->second, key.path, text);
}

// Only read when TLS is on.
bool is_of_tls(const Key& key) { return key.path.starts_with("collector.tls.") && key.path != "collector.tls.enabled"; }

}  // namespace

std::vector<std::string> without_effect(const LoadedConfig& loaded) {
  std::vector<std::string> out;
  if (loaded.config.uplink.tls.enabled) return out;
  for (const Key& key : config_keys())
    if (is_of_tls(key) && !key.show(loaded.config).empty())
      out.push_back(caution(loaded, key,
                            "has no effect without `enabled: true` beside it; collectors are spoken to in "
                            "the clear"));
  return out;
}

std::vector<std::string> unreadable_files(const LoadedConfig& loaded) {
  std::vector<std::string> out;
  for (const Key& key : config_keys()) {
    if (!key.file || (is_of_tls(key) && !loaded.config.uplink.tls.enabled)) continue;
    const std::string path = key.show(loaded.config);
    if (path.empty()) continue;
    if (const auto read = read_regular_file(path, kMaxFile); !read)
      out.push_back(caution(loaded, key, harmless(read.error().message, path.size() + 256)));
  }
  return out;
}

}  // namespace sidecar
