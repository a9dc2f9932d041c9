#pragma once

// Error is what a failed operation returns: a code that a caller can act on and a
// sentence for a person. There are few codes on purpose; a code exists only if
// some caller does something different on it. Value type, any thread.

#include <string>
#include <string_view>
#include <utility>

namespace sidecar {

enum class Errc {
  invalid_argument,  // the caller's or operator's input is wrong
  not_found,
  limit_exceeded,  // a stated bound would be passed
  corrupt,         // bytes that do not decode
  unavailable,     // the world does not answer; trying later may help
  busy,            // somebody else holds it
  not_allowed,
  internal,
};

struct Error {
  Errc code;
  std::string message;

  // The same error, its message preceded by `context` and ": ".
  Error with_prefix(std::string_view context) && {
    std::string text(context);
    text += ": ";
    text += message;
    return Error{code, std::move(text)};
  }
};

}  // namespace sidecar
