#pragma once

// The kinds of values that settings have: each makes a Key from its bounds and from a
// function that finds the field. Value functions are strict: a text is one value or an error.

#include "config/keys.h"

namespace sidecar {

template <class T>
using Field = T& (*)(Config&);

struct KeyName {
  const char* path;
  const char* sentence;
};

Key integer_key(KeyName name, std::int64_t min, std::int64_t max, std::function<std::int64_t(const Config&)> get,
                std::function<void(Config&, std::int64_t)> put);

// An integer field of any width.
template <class T>
Key integer_key(KeyName name, std::int64_t min, std::int64_t max, Field<T> field) {
  return integer_key(
      name, min, max,
      [field](const Config& config) {
        Config copy = config;
        return static_cast<std::int64_t>(field(copy));
      },
      [field](Config& config, std::int64_t value) { field(config) = static_cast<T>(value); });
}

// `auto` stands for "unset".
Key optional_integer_key(KeyName name, std::int64_t min, std::int64_t max, Field<std::optional<unsigned>> field);

Key duration_key(KeyName name, Duration min, Duration max, Field<Duration> field);

Key bytes_key(KeyName name, std::uint64_t min, std::uint64_t max, std::function<std::uint64_t(const Config&)> get,
              std::function<void(Config&, std::uint64_t)> put);

// Octal with a leading 0, at most 0777; the owner may read and write.
Key mode_key(KeyName name, Field<mode_t> field);

// Absolute, and not too long for a socket and what SocketFile adds to its name.
Key socket_path_key(KeyName name, Field<std::string> field);

// Up to 255 visible ASCII characters, may be empty.
Key name_key(KeyName name, Field<std::string> field);

// Any text that `check` has nothing against; its error says what. `expected` is what one is.
Key checked_key(KeyName name, std::string expected, Result<void> (*check)(std::string_view), Field<std::string> field);

// A part of services' names: up to `max` visible ASCII characters but '|', may be empty.
Key name_part_key(KeyName name, std::size_t max, Field<std::string> field,
                  std::function<void(Config&, const std::string&)> put);

// HOST:PORT, [IPV6]:PORT; at least one, no two the same.
Key addresses_key(KeyName name, Field<std::vector<std::string>> field);

// A list of texts of 1 to `max_size` printable characters, at most `max` of them, no two the same; may be empty.
// `expected` says what one is ("a suffix such as .jpg"), `valid` may be null.
Key texts_key(KeyName name, const char* expected, std::size_t max, std::size_t max_size,
              bool (*valid)(std::string_view), Field<std::vector<std::string>> field);

template <class Enum>
struct Choice {
  const char* name;
  Enum value;
};

Key choice_key(KeyName name, const std::vector<std::string>& names, std::function<std::size_t(const Config&)> get,
               std::function<void(Config&, std::size_t)> put);

template <class Enum>
Key choice_key(KeyName name, const std::vector<Choice<Enum>>& choices, Field<Enum> field) {
  std::vector<std::string> names;
  for (const Choice<Enum>& choice : choices) names.emplace_back(choice.name);
  return choice_key(
      name, names,
      [field, choices](const Config& config) {
        Config copy = config;
        std::size_t i = 0;
        while (choices[i].value != field(copy)) ++i;
        return i;
      },
      [field, choices](Config& config, std::size_t i) { field(config) = choices[i].value; });
}

}  // namespace sidecar
