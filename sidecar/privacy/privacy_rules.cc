#include "privacy/privacy_rules.h"

namespace sidecar {

PrivacyRules::PrivacyRules(const PrivacyOptions& options)
    : names_(std::make_shared<NameMatcher>(std::vector<NameMatcher::Set>{
          {kDrop, options.drop_tags},
          {kMask, options.mask_tags},
          // Tags whose value is known to be of a kind, in SkyWalking's and in OpenTelemetry's names.
          {kUrl, {"*url", "*uri", "url.full", "http.target", "http.path", "*referer", "*referrer", "*location"}},
          {kQuery, {"http.params", "http.body", "url.query", "*query-string"}},
          {kHeaders, {"http.headers"}}})),
      urls_(*names_, kDrop | kMask, options.urls) {
  for (std::size_t sets = 0; sets < kAll; ++sets)
    treatments_[sets] = treatment_of(static_cast<NameMatcher::Sets>(sets));
}

Treatment PrivacyRules::treatment_of(NameMatcher::Sets sets) {
  if ((sets & kDrop) != 0) return {Treatment::drop, TextKind::text};
  if ((sets & kMask) != 0) return {Treatment::mask, TextKind::text};
  if ((sets & kHeaders) != 0) return {Treatment::scrub, TextKind::headers};
  if ((sets & kQuery) != 0) return {Treatment::scrub, TextKind::query};
  if ((sets & kUrl) != 0) return {Treatment::scrub, TextKind::url};
  return {Treatment::scrub, TextKind::text};
}

}  // namespace sidecar
