#include "ctl/fields.h"

#include <algorithm>

#include "base/units.h"
#include "log/log.h"

namespace sidecar {

const nlohmann::json& field(const nlohmann::json& object, const char* name) {
  static const nlohmann::json none;
  if (!object.is_object()) return none;
  const auto found = object.find(name);
  return found == object.end() ? none : *found;
}

std::optional<std::uint64_t> number(const nlohmann::json& object, const char* name) {
  const nlohmann::json& value = field(object, name);
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  if (value.is_number_integer() && value.get<std::int64_t>() >= 0)
    return static_cast<std::uint64_t>(value.get<std::int64_t>());
  return std::nullopt;
}

std::string text(const nlohmann::json& object, const char* name, std::size_t max) {
  const nlohmann::json& value = field(object, name);
  return value.is_string() ? printable(value.get_ref<const std::string&>(), max) : std::string();
}

bool not_false(const nlohmann::json& object, const char* name) {
  const nlohmann::json& value = field(object, name);
  return !value.is_boolean() || value.get<bool>();
}

std::string count(const nlohmann::json& object, const char* name) {
  const auto value = number(object, name);
  return value ? std::to_string(*value) : "-";
}

std::string duration(const nlohmann::json& object, const char* name) {
  const auto value = number(object, name);
  if (!value) return "-";
  // A Duration holds 292 years.
  constexpr std::uint64_t kMost = 9'000'000'000'000;
  return human_duration(std::chrono::milliseconds(static_cast<std::int64_t>(std::min(*value, kMost))));
}

}  // namespace sidecar
