#include "config/print.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/version.h"
#include "config/keys.h"
#include "config/text.h"

namespace sidecar {
namespace {

constexpr std::size_t kCommentColumn = 44;  // where there is room

// Whether every reader of YAML takes it for this text, or for the number that it is: if-possible, 30s, -1.
bool is_plain(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789", kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const auto only = [](std::string_view part, std::string_view letters) {
    return part.find_first_not_of(letters) == std::string_view::npos;
  };
  for (const char* word : {"", "true", "false", "yes", "no", "on", "off", "null", "y", "n"})
    if (text == word) return false;
  if (text[0] >= 'a' && text[0] <= 'z') return only(text, "abcdefghijklmnopqrstuvwxyz-");
  if (text[0] == '-') text.remove_prefix(1);
  const std::size_t digits = std::min(text.find_first_not_of(kDigits), text.size());
  const bool octal = digits > 1 && text[0] == '0';  // to some readers
  return digits > 0 && !octal && only(text.substr(digits), kLetters);
}

// In double quotes unless it is plain; ${ is taken literally when it is read again.
std::string yaml_text(const std::string& text) {
  if (is_plain(text)) return text;
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (c == '$' && i + 1 < text.size() && text[i + 1] == '{')
      out += "$$";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  return out + "\"";
}

std::string value_of(const Key& key, const Config& config) {
  if (!key.list) return yaml_text(key.show(config));
  std::vector<std::string> items = key.items(config);
  for (std::string& item : items) item = yaml_text(item);
  return fmt::format("[{}]", fmt::join(items, ", "));
}

std::string origin_of(const Key& key, const LoadedConfig& loaded) {
  const auto found = loaded.origins.find(key.path);
  return found == loaded.origins.end() ? "default" : found->second;
}

// Names of a path: "a.b.c" is a, b, c.
std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    names.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return names;
}

}  // namespace

std::string print_config(const LoadedConfig& loaded, const std::string& source) {
  std::string out =
      fmt::format("# The configuration of sw-sidecar {} in effect, from {}.\n", kVersion, harmless(source, 1024));
  std::vector<std::string> open;  // sections
  for (const Key& key : config_keys()) {
    std::vector<std::string> names = split(key.path);
    const std::string name = names.back();
    names.pop_back();
    const auto [kept, entered] = std::mismatch(open.begin(), open.end(), names.begin(), names.end());
    open.erase(kept, open.end());
    for (auto section = entered; section != names.end(); ++section) {
      out += fmt::format("{:{}}{}:\n", "", 2 * open.size(), *section);
      open.push_back(*section);
    }
    const std::string line = fmt::format("{:{}}{}: {}", "", 2 * open.size(), name, value_of(key, loaded.config));
    out += fmt::format("{:{}}  # {}\n", line, kCommentColumn, origin_of(key, loaded));
  }
  return out;
}

}  // namespace sidecar
