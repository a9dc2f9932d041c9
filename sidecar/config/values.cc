#include "config/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/units.h"
#include "config/text.h"

namespace sidecar {
namespace {

constexpr std::size_t kMaxAddresses = 64;
// sun_path, without its end and without the ".new" of a socket being made.
constexpr std::size_t kMaxSocketPath = 107 - 4;

Key make_key(KeyName name, std::string expected) {
  Key key;
  key.path = name.path;
  key.sentence = name.sentence;
  key.expected = std::move(expected);
  return key;
}

tl::unexpected<Error> unexpected(const std::string& expected, const std::string& text) {
  return fail(Errc::invalid_argument, fmt::format("expected {}, got {}", expected, quoted(text)));
}

// Decimal digits with an optional minus; "010" is ten. Unset: something else, or beyond 64 bits.
std::optional<std::int64_t> parse_integer(std::string_view text, int base = 10) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

bool valid_host(std::string_view host) {
  if (host.starts_with('[')) {
    if (host.size() < 4 || host.size() > 64 || !host.ends_with(']')) return false;
    const std::string_view inside = host.substr(1, host.size() - 2);
    return inside.find(':') != std::string_view::npos &&
           inside.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
  }
  if (host.empty() || host.size() > 253) return false;
  return host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
         std::string_view::npos;
}

bool valid_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view port = text.substr(colon + 1);
  if (port.empty() || port[0] == '-' || port.size() > 5) return false;
  const auto number = parse_integer(port);
  return number && *number >= 1 && *number <= 65535 && valid_host(text.substr(0, colon));
}

// Shows a text as it is. A field gives a reference to change, hence the copy.
std::function<std::string(const Config&)> text_of(Field<std::string> field) {
  return [field](const Config& config) {
    Config copy = config;
    return field(copy);
  };
}

void show_list(Key& key, Field<std::vector<std::string>> field) {
  key.items = [field](const Config& config) {
    Config copy = config;
    return field(copy);
  };
  key.show = [items = key.items](const Config& config) { return fmt::format("{}", fmt::join(items(config), ",")); };
}

}  // namespace

Key integer_key(KeyName name, std::int64_t min, std::int64_t max, std::function<std::int64_t(const Config&)> get,
                std::function<void(Config&, std::int64_t)> put) {
  Key key = make_key(name, fmt::format("an integer from {} to {}", min, max));
  key.set = [expected = key.expected, min, max, put](Config& config, const std::string& text) -> Result<void> {
    const auto value = parse_integer(text);
    if (!value || *value < min || *value > max) return unexpected(expected, text);
    put(config, *value);
    return {};
  };
  key.show = [get](const Config& config) { return std::to_string(get(config)); };
  return key;
}

Key optional_integer_key(KeyName name, std::int64_t min, std::int64_t max, Field<std::optional<unsigned>> field) {
  Key key = make_key(name, fmt::format("an integer from {} to {}, or auto", min, max));
  key.set = [expected = key.expected, min, max, field](Config& config, const std::string& text) -> Result<void> {
    const auto value = parse_integer(text);
    if (text != "auto" && (!value || *value < min || *value > max)) return unexpected(expected, text);
    field(config) = value ? std::optional<unsigned>(static_cast<unsigned>(*value)) : std::nullopt;
    return {};
  };
  key.show = [field](const Config& config) {
    Config copy = config;
    return field(copy) ? std::to_string(*field(copy)) : std::string("auto");
  };
  return key;
}

Key duration_key(KeyName name, Duration min, Duration max, Field<Duration> field) {
  Key key = make_key(name, fmt::format("a duration with its unit (ms, s, m, h) from {} to {}", format_duration(min),
                                       format_duration(max)));
  key.set = [expected = key.expected, min, max, field](Config& config, const std::string& text) -> Result<void> {
    const auto value = parse_duration(text);
    if (!value || *value < min || *value > max) return unexpected(expected, text);
    field(config) = *value;
    return {};
  };
  key.show = [field](const Config& config) {
    Config copy = config;
    return format_duration(field(copy));
  };
  return key;
}

Key bytes_key(KeyName name, std::uint64_t min, std::uint64_t max, std::function<std::uint64_t(const Config&)> get,
              std::function<void(Config&, std::uint64_t)> put) {
  Key key = make_key(
      name, fmt::format("a size with its unit (B, KiB, MiB, GiB) from {} to {}", format_bytes(min), format_bytes(max)));
  key.set = [expected = key.expected, min, max, put](Config& config, const std::string& text) -> Result<void> {
    const auto value = parse_bytes(text);
    if (!value || *value < min || *value > max) return unexpected(expected, text);
    put(config, *value);
    return {};
  };
  key.show = [get](const Config& config) { return format_bytes(get(config)); };
  return key;
}

Key mode_key(KeyName name, Field<mode_t> field) {
  Key key = make_key(name, "an octal file mode from \"0600\" to \"0777\" that lets the owner read and write");
  key.set = [expected = key.expected, field](Config& config, const std::string& text) -> Result<void> {
    const auto value = text.size() == 4 && text[0] == '0' ? parse_integer(text, 8) : std::nullopt;
    if (!value || (*value & 0600) != 0600) return unexpected(expected, text);
    field(config) = static_cast<mode_t>(*value);
    return {};
  };
  key.show = [field](const Config& config) {
    Config copy = config;
    return fmt::format("{:04o}", field(copy));
  };
  return key;
}

Key socket_path_key(KeyName name, Field<std::string> field) {
  Key key = make_key(name, fmt::format("an absolute path of at most {} bytes", kMaxSocketPath));
  key.set = [expected = key.expected, field](Config& config, const std::string& text) -> Result<void> {
    const bool control =
        std::any_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
    if (text.size() < 2 || text.size() > kMaxSocketPath || text.front() != '/' || text.back() == '/' || control)
      return unexpected(expected, text);
    field(config) = text;
    return {};
  };
  key.show = text_of(field);
  return key;
}

Key name_key(KeyName name, Field<std::string> field) {
  Key key = make_key(name, "a name of at most 255 visible ASCII characters, or \"\"");
  key.set = [expected = key.expected, field](Config& config, const std::string& text) -> Result<void> {
    if (text.size() > 255 || !visible(text)) return unexpected(expected, text);
    field(config) = text;
    return {};
  };
  key.show = text_of(field);
  return key;
}

Key checked_key(KeyName name, std::string expected, Result<void> (*check)(std::string_view), Field<std::string> field) {
  Key key = make_key(name, std::move(expected));
  key.set = [expected = key.expected, check, field](Config& config, const std::string& text) -> Result<void> {
    if (auto checked = check(text); !checked)
      return fail(Errc::invalid_argument,
                  fmt::format("expected {}, got {}: {}", expected, quoted(text), checked.error().message));
    field(config) = text;
    return {};
  };
  key.show = text_of(field);
  return key;
}

Key name_part_key(KeyName name, std::size_t max, Field<std::string> field,
                  std::function<void(Config&, const std::string&)> put) {
  Key key = make_key(name, fmt::format("at most {} visible ASCII characters but '|', or \"\"", max));
  key.set = [expected = key.expected, max, put](Config& config, const std::string& text) -> Result<void> {
    if (text.size() > max || !visible(text) || text.find('|') != std::string::npos) return unexpected(expected, text);
    put(config, text);
    return {};
  };
  key.show = text_of(field);
  return key;
}

Key texts_key(KeyName name, const char* expected, std::size_t max, std::size_t max_size,
              bool (*valid)(std::string_view), Field<std::vector<std::string>> field) {
  Key key = make_key(name, expected);
  key.list = true;
  key.set = [expected = key.expected, max, max_size, valid, field](Config& config,
                                                                   const std::string& text) -> Result<void> {
    std::vector<std::string>& texts = field(config);
    if (text.empty() && texts.empty()) return {};  // an empty variable is an empty list
    const bool printable =
        std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    if (text.empty() || text.size() > max_size || !printable || (valid != nullptr && !valid(text)))
      return unexpected(fmt::format("{} of at most {} bytes", expected, max_size), text);
    if (texts.size() == max) return fail(Errc::limit_exceeded, fmt::format("more than {} of them", max));
    if (std::find(texts.begin(), texts.end(), text) != texts.end())
      return fail(Errc::invalid_argument, fmt::format("{} is listed twice", quoted(text)));
    texts.push_back(text);
    return {};
  };
  key.clear = [field](Config& config) { field(config).clear(); };
  show_list(key, field);
  return key;
}

Key addresses_key(KeyName name, Field<std::vector<std::string>> field) {
  Key key = make_key(name, "HOST:PORT");
  key.list = true;
  key.required = true;
  key.set = [field](Config& config, const std::string& text) -> Result<void> {
    if (!valid_address(text)) return unexpected("HOST:PORT, such as oap.example.com:11800 or [::1]:11800", text);
    std::vector<std::string>& addresses = field(config);
    if (addresses.size() == kMaxAddresses)
      return fail(Errc::limit_exceeded, fmt::format("more than {} addresses", kMaxAddresses));
    if (std::find(addresses.begin(), addresses.end(), text) != addresses.end())
      return fail(Errc::invalid_argument, fmt::format("{} is listed twice", quoted(text)));
    addresses.push_back(text);
    return {};
  };
  key.clear = [field](Config& config) { field(config).clear(); };
  show_list(key, field);
  return key;
}

Key choice_key(KeyName name, const std::vector<std::string>& names, std::function<std::size_t(const Config&)> get,
               std::function<void(Config&, std::size_t)> put) {
  Key key = make_key(name, fmt::format("one of {}", fmt::join(names, ", ")));
  key.set = [expected = key.expected, names, put](Config& config, const std::string& text) -> Result<void> {
    const auto found = std::find(names.begin(), names.end(), text);
    if (found == names.end()) {
      const std::string near = nearest(text, names);
      return fail(Errc::invalid_argument, fmt::format("expected {}, got {}{}", expected, quoted(text),
                                                      near.empty() ? "" : fmt::format(", did you mean '{}'?", near)));
    }
    put(config, static_cast<std::size_t>(found - names.begin()));
    return {};
  };
  key.show = [names, get](const Config& config) { return names[get(config)]; };
  return key;
}

}  // namespace sidecar
