#pragma once

// Fields of a document that may lack them or hold something else: an older daemon, a newer one, or no daemon of ours.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace sidecar {

// The value of `name`, null if there is none or `object` is no object.
const nlohmann::json& field(const nlohmann::json& object, const char* name);
// A whole number >= 0; unset: there is none.
std::optional<std::uint64_t> number(const nlohmann::json& object, const char* name);
// Text fit for a terminal, at most `max` bytes; "" if there is none.
std::string text(const nlohmann::json& object, const char* name, std::size_t max = 128);
// False only if the field says so.
bool not_false(const nlohmann::json& object, const char* name);

// "-" for none.
std::string count(const nlohmann::json& object, const char* name);
// "3h12m", "-" for none.
std::string duration(const nlohmann::json& object, const char* name);

}  // namespace sidecar
