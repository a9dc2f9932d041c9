// Scrubbing of texts: whatever the text, the result is bounded, holds what the text held in its order but for what is
// hidden, and is not changed by scrubbing it again (but for URLs with an @); nothing of what it was told to hide is
// left where a second, plain reading finds it.
//
//   first byte: kind and mode; the rest: the text

#include "privacy/privacy_rules.h"
#include "require.h"

using namespace sidecar;

namespace {

// Letters that no delimiter and no pattern is made of, so that only the scrubber's work can take it out.
constexpr std::string_view kSecret = "QZ9QZ8QZ";

// What one letter said becomes three stars, and the shortest parameter takes two bytes: "&a".
std::size_t most_for(std::size_t size) { return 2 * size + 3; }

// Of a text with one known secret in a place that must be hidden, around what the fuzzer made up.
void require_hidden(const PrivacyRules& rules, TextKind kind, const std::string& text) {
  std::string out;
  require(rules.scrub(text, kind, out), "a named secret was not seen");
  const bool marked = text.find_first_of(";<=>?@") != std::string::npos;
  require(rules.may_hide(text, kind, marked), "the encoder would not have asked");
  require(out.find(kSecret) == std::string::npos, "a named secret is left");
  require(out.size() <= most_for(text.size()), "it grew");
}

// Whether `out` is `text` with some parts, perhaps empty ones, replaced by ***.
bool only_hidden(std::string_view text, std::string_view out) {
  // What stands before the first *** and behind the last is there; each part between is found, leftmost first.
  for (std::size_t stars = out.find("***"); stars != std::string_view::npos; stars = out.find("***")) {
    const std::size_t at = text.find(out.substr(0, stars));
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + stars);
    out.remove_prefix(stars + 3);
  }
  return text.ends_with(out);
}

// Letters of a value or a path, without delimiters.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text)
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '/' || c == '.' || c == '%') out += c;
  return out;
}

// Any text in which nothing is open that a name behind it would be part of.
std::string closed(std::string text) {
  std::erase_if(text, [](char c) { return c == '"' || c == '\'' || c == '<'; });
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const PrivacyRules modes[] = {
      PrivacyRules(PrivacyOptions{{}, kUsualSecrets, UrlPrivacy::keep}),
      PrivacyRules(PrivacyOptions{{}, kUsualSecrets, UrlPrivacy::mask}),
      PrivacyRules(PrivacyOptions{{}, kUsualSecrets, UrlPrivacy::mask_all}),
      PrivacyRules(PrivacyOptions{{}, kUsualSecrets, UrlPrivacy::drop_query}),
  };
  if (size == 0) return 0;
  const PrivacyRules& rules = modes[data[0] % 4];
  const auto kind = static_cast<TextKind>(data[0] / 4 % 6);
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);

  // As it is: bounded, and untouched if nothing was hidden.
  std::string out = "x";
  if (!rules.scrub(text, kind, out)) {
    require(out == "x", "something was written although nothing was hidden");
  } else {
    require(out.starts_with('x') && out.size() - 1 <= most_for(text.size()), "it grew");
    const bool marked = text.find_first_of(";<=>?@") != std::string::npos;
    require(rules.may_hide(text, kind, marked), "the encoder would not have asked");
    require(&rules != &modes[0], "something was hidden although everything is kept");
    const std::string once = out.substr(1);
    require(&rules != &modes[1] || text.find("***") != std::string::npos || only_hidden(text, once),
            "something else was changed");
    // But of URLs and addresses, where less of a value may make more of what is before a later @.
    if (&rules == &modes[1] && text.find('@') == std::string::npos) {
      std::string twice;
      require(!rules.scrub(once, kind, twice) || twice == once, "scrubbing twice is not scrubbing once");
    }
  }

  // With a secret put where the rules must see it, whatever stands around it.
  const std::string around = plain(text), lines = closed(text), secret(kSecret);
  if (&rules == &modes[0] || (around + '|' + lines + '|' + text).find(kSecret) != std::string::npos) return 0;
  require_hidden(rules, TextKind::url, "/" + around + "?a=" + around + "&token=" + secret + "&b=" + around);
  require_hidden(rules, TextKind::url, "/" + around + "?password=" + secret + around);
  require_hidden(rules, TextKind::url, "/" + around + "#api_key=" + secret + around);
  require_hidden(rules, TextKind::text, text + " http://h" + around + "?token=" + secret);
  require_hidden(rules, TextKind::text, "http://u:" + secret + "@h/" + around);
  require_hidden(rules, TextKind::operation, "GET:/" + around + "?x-auth-token=" + secret);
  require_hidden(rules, TextKind::peer, "u:" + secret + "@" + around);
  require_hidden(rules, TextKind::peer, "h:1;password=" + secret + ";a=" + around);
  require_hidden(rules, TextKind::query, "a=" + around + "\npassword=[" + secret + "]");
  require_hidden(rules, TextKind::headers, "A: " + around + "\nReferer=[https://h/?token=" + secret + "]");
  require_hidden(rules, TextKind::headers, "A: " + around + "\nAuthorization: Bearer " + secret + around);
  for (const TextKind body : {TextKind::query, TextKind::headers, TextKind::text}) {
    require_hidden(rules, body, "{\"a\":\"" + around + "\",\"password\":\"" + secret + "\"}");
    require_hidden(rules, body, "{\"a\":\"" + around + "\",\"credentials\":{\"a\":[\"" + secret + "\"]}}");
    require_hidden(rules, body, "{\"a\":\"{\\\"" + around + "\\\":1,\\\"token\\\":\\\"" + secret + "\\\"}\"}");
  }
  for (const TextKind body : {TextKind::query, TextKind::headers}) {
    require_hidden(rules, body, lines + "\n\"password\": \"" + secret + "\"");
    require_hidden(rules, body, lines + "\npassword: " + secret);
    require_hidden(rules, body, "<a>" + around + "</a><password>" + secret + around + "</password>");
    require_hidden(rules, body, "<a b=\"" + around + "\" password=\"" + secret + "\"/>");
    require_hidden(rules, body,
                   "--b\r\nContent-Disposition: form-data; name=\"token\"\r\nA: " + around + "\r\n\r\n" + secret +
                       around + "\r\n--b--");
  }
  return 0;
}
