#pragma once

// Questions about the names of keys and variables, and what was probably meant by one that
// does not exist. Pure; any thread.

#include <string>
#include <vector>

#include "config/keys.h"

namespace sidecar {

// Whether there are keys below "a.b".
bool is_section(const std::string& path);

// Names directly below "a.b.", or at the top for "".
std::vector<std::string> keys_below(const std::string& prefix);

// Null: it sets no key.
const Key* key_of_variable(const std::string& variable);

// The end of a message about an unknown key `given` below `prefix`: ", did you mean 'a.b'?", or what there is.
std::string meant_key(const std::string& given, const std::string& prefix);

// The same of a variable; "" if nothing is near.
std::string meant_variable(const std::string& given);

}  // namespace sidecar
