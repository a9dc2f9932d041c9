#pragma once

#include <string>
#include <vector>

namespace sidecar {

// What is done to URLs. Whatever is chosen but `keep` hides credentials (user:password@).
enum class UrlPrivacy {
  keep,        // nothing
  mask,        // values of query parameters that have a secret's name
  mask_all,    // values of all query parameters; names stay
  drop_query,  // the query and the fragment go
};

// The usual secrets, by the name of a tag, of a log's field or of a query parameter. Chosen so that nothing that
// SkyWalking's agents write is hit: `url`, `db.statement`, `http.params`, `mq.queue`; nor `input_tokens` and the like.
inline const std::vector<std::string> kUsualSecrets = {
    "*authorization", "*cookie",      "*cookies",     "*password*",  "*passwd*",     "*passphrase*",
    "pass",           "pwd",          "*.pwd",        "*-pwd",       "*secret*",     "*token",
    "*token]",        "*jwt",         "*api-key*",    "*apikey*",    "*access-key*", "*accesskey*",
    "*private-key*",  "*privatekey*", "*credential*", "*session-id", "*sessionid",   "*sessid",
    "*signature",     "sig",          "auth",         "otp"};

// Rules for what may not leave the host; see conf/sidecar.yaml. Names are patterns: `*` at the beginning, at the end
// or both; case does not matter, nor does - or _.
struct PrivacyOptions {
  std::vector<std::string> drop_tags;  // these go, key and value
  std::vector<std::string> mask_tags = kUsualSecrets;
  UrlPrivacy urls = UrlPrivacy::mask;
};

inline constexpr std::size_t kMaxPrivacyRules = 64;  // of each list
inline constexpr std::size_t kMaxPrivacyText = 100;

}  // namespace sidecar
