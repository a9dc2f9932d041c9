#pragma once

// Small pure functions on text that the configuration's messages and values need.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/environment.h"

namespace sidecar {

// `text` as it may stand in a message: cut to `max` bytes, with control characters and
// everything that is not ASCII as \xNN.
std::string harmless(std::string_view text, std::size_t max);

// The same in single quotes, of at most 64 bytes.
std::string quoted(std::string_view text);

// The candidate that was probably meant by `given`, or "" if none is near enough: at most
// a third of its letters changed, lost, added or swapped, or its end left off.
std::string nearest(std::string_view given, const std::vector<std::string>& candidates);

// Replaces `${NAME}` and `${NAME:default}` by the environment's value; `$${` stands for
// `${`. What was put in is not looked at again. Errors (invalid_argument): NAME is not set
// and has no default, a form that is not closed or nests, a result above kMaxExpanded.
inline constexpr std::size_t kMaxExpanded = 4096;
// `used`, if it is not null, gets the names of the variables whose values were put in.
Result<std::string> expand(std::string_view text, const Environment& environment,
                           std::vector<std::string>* used = nullptr);

bool is_utf8(std::string_view text);

}  // namespace sidecar
