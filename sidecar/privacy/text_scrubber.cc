#include "privacy/text_scrubber.h"

#include "privacy/body_walk.h"
#include "privacy/url_walk.h"

namespace sidecar {
namespace {

// Whether a body is parameters, as far as one sees.
bool is_form(std::string_view text) { return text.find_first_of("\"'<{") == std::string_view::npos; }

}  // namespace

bool TextScrubber::scrub(std::string_view text, TextKind kind, std::string& out) const {
  if (mode_ == UrlPrivacy::keep || text.empty()) return false;
  const auto urls = [&](std::string_view in) { return UrlWalk(secrets_, mode_, in, kind, out).run(); };
  if (!is_body(text, kind)) return urls(text);
  if (mode_ == UrlPrivacy::mask) return BodyWalk(secrets_, text, kind, out).run();
  if (kind == TextKind::query) {
    // The parameters of a form are those of a query. Nobody finds all values of anything else.
    if (mode_ == UrlPrivacy::drop_query) return true;
    if (is_form(text)) return urls(text);
    out += "***";
    return true;
  }
  std::string named;
  if (!BodyWalk(secrets_, text, kind, named).run()) return urls(text);
  if (!urls(named)) out += named;
  return true;
}

}  // namespace sidecar
