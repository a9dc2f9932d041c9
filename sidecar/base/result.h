#pragma once

// Result<T> is a value or an Error. tl::expected has std::expected's member
// names, which GCC 12 lacks in C++20: the swap later is a rename.

#include <tl/expected.hpp>

#include "base/error.h"

namespace sidecar {

template <class T>
using Result = tl::expected<T, Error>;

// Use as `return fail(Errc::corrupt, "...");`
inline tl::unexpected<Error> fail(Errc code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace sidecar
