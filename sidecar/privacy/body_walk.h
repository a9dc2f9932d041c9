#pragma once

// BodyWalk takes secrets out of one text whose form nobody tells us: JSON, also JSON in a string of JSON, XML, HTML,
// multipart, headers, forms, YAML. It parses none of them, so a text that is cut, broken or a mixture is treated as
// well as a whole one: wherever the name of a secret is followed by : or =, the value goes, however it is written.
//
//    {"password": "x\"y", "pin": 1}     {"password": "***", "pin": 1}
//    "credentials": {"a": [1, 2]}       "credentials": ***
//    Authorization: Bearer x            Authorization: ***              up to the end of the line
//    password=x&b=1                     password=***&b=1
//    <password a="1">x</password>       <password a="1">***</password>
//    <add key="password" value="x"/>    <add key="password" value="***"/>
//    name="password"\r\n\r\nx\r\n--     name="password"\r\n\r\n***\r\n--
//
// Where it cannot tell where a value ends, more is hidden, not less. One pass: what lies behind a name is looked at
// once more at most. Allocates nothing before there is something to hide. Used by text_scrubber.cc only.

#include "privacy/scrub_walk.h"
#include "privacy/text_kind.h"

namespace sidecar {

class BodyWalk : private ScrubWalk {
 public:
  BodyWalk(const Secrets& secrets, std::string_view text, TextKind kind, std::string& out);

  // Whether something was hidden, and appended what is left.
  bool run();

 private:
  // A name may be written in several ways before the : or = that makes it one.
  struct Name {
    NameMatcher::State state;
    std::size_t begin = 0, end = 0;  // empty: there is none
    bool open = false;               // its next letter may follow
    bool quoted = false;             // a quote stood behind it
    unsigned level = 0;              // of that quote
  };

  void step();
  void feed_name();
  void quote();
  void colon();
  void separator(char sign);
  void line();
  void tag();
  void end_of_tag();

  // Hides what is secret of the value at `at`; returns where that ends.
  std::size_t hide_value(std::size_t at, char sign);
  bool takes_line(char sign) const;
  std::size_t bare_end(std::size_t at, char sign) const;
  bool ends_value(std::size_t at, char sign) const;
  bool is_behind_value(std::size_t at) const;
  std::size_t end_of_nested(std::size_t at) const;
  std::size_t end_of_string(std::size_t at, unsigned level) const;
  std::size_t end_of_lines(std::size_t at) const;
  std::size_t end_of_element(std::size_t at, std::string_view tag) const;
  std::size_t end_of_part(std::size_t at) const;
  bool names_secret(std::size_t value) const;

  bool is_name(std::string_view word) const;
  bool is_quote(std::size_t at) const;
  unsigned level_of_quote(std::size_t at) const;
  std::size_t begin_of_quote(std::size_t at) const;
  std::size_t end_before(std::size_t begin, std::size_t end) const;
  std::size_t indent(std::size_t line) const;
  std::size_t skip(const char* letters, std::size_t at) const;
  void forget_name() { name_ = {}; }

  const TextKind kind_;
  const bool structured_;            // JSON or XML, as far as one sees: values end with quotes and <
  const std::string_view boundary_;  // between the parts of multipart
  std::size_t at_ = 0;
  Name name_;
  std::size_t line_begin_ = 0;
  std::size_t url_end_ = 0;   // of the URL that is walked over
  std::string_view tag_;      // the one that is open
  bool secret_tag_ = false;   // it has a secret's name
  bool said_name_ = false;    // a secret's name was given as a value: its own is to come
  bool disposition_ = false;  // the line says what a part of multipart is
  bool secret_part_ = false;  // its content is a secret
};

}  // namespace sidecar
