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

#include "privacy/body_text.h"
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
    bool quoted = false;             // a quote stood behind it
    unsigned level = 0;              // of that quote
  };

  void step();
  void name();
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
  bool names_secret(std::size_t value) const;

  bool is_name(std::string_view word) const;
  void forget_name() { name_ = {}; }

  const BodyText body_;
  const TextKind kind_;
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
