#include "privacy/privacy_rules.h"

#include <doctest/doctest.h>

using namespace sidecar;

namespace {

Treatment::Action action(const PrivacyRules& rules, const char* key) { return rules.treatment(key).action; }

std::string scrubbed(const PrivacyRules& rules, const std::string& key, const std::string& value) {
  const Treatment treatment = rules.treatment(key);
  REQUIRE(treatment.action == Treatment::scrub);
  std::string out;
  return rules.scrub(value, treatment.kind, out) ? out : value;
}

}  // namespace

TEST_SUITE("privacy/privacy_rules") {
  const PrivacyRules defaults{PrivacyOptions{}};

  TEST_CASE("by default the usual secrets are masked") {
    for (const char* key : {"authorization",
                            "Authorization",
                            "proxy-authorization",
                            "http.request.header.authorization",
                            "cookie",
                            "set-cookie",
                            "Set_Cookie",
                            "http.cookies",
                            "password",
                            "db.password",
                            "PASSWORD_HASH",
                            "userPassword",
                            "passwd",
                            "pass",
                            "pwd",
                            "db.pwd",
                            "secret",
                            "client_secret",
                            "aws-secret-access-key",
                            "token",
                            "accessToken",
                            "csrf_token",
                            "x-auth-token",
                            "api-key",
                            "X-API-Key",
                            "apiKey",
                            "api_key",
                            "access_key_id",
                            "privateKey",
                            "credentials",
                            "jwt",
                            "JSESSIONID",
                            "PHPSESSID",
                            "session_id",
                            "X-Amz-Signature",
                            "sig",
                            "auth",
                            "otp"}) {
      CAPTURE(key);
      CHECK(action(defaults, key) == Treatment::mask);
    }
  }

  // Tags that SkyWalking's agents write (Tags.java of 9.x), fields of its logs, and neighbours of secrets.
  TEST_CASE("by default no usual tag is touched") {
    for (const char* key : {"url",
                            "status_code",
                            "http.method",
                            "http.status_code",
                            "http.params",
                            "http.body",
                            "http.headers",
                            "db.type",
                            "db.instance",
                            "db.statement",
                            "db.bind_vars",
                            "db.sql.parameters",
                            "mq.queue",
                            "mq.broker",
                            "mq.topic",
                            "mq.status",
                            "mq.msg.id",
                            "cache.type",
                            "cache.op",
                            "cache.cmd",
                            "cache.key",
                            "arguments",
                            "x-le",
                            "thread.name",
                            "transmission.latency",
                            "event",
                            "error.kind",
                            "message",
                            "stack",
                            "forward",
                            "author",
                            "keyboard",
                            "monkey",
                            "passed",
                            "compass",
                            "bypass",
                            "token_count",
                            "gen_ai.usage.input_tokens",
                            "signal",
                            "design",
                            "authority",
                            "otp_used",
                            "n",
                            "",
                            "level",
                            "bytes",
                            "peer"}) {
      CAPTURE(key);
      CHECK(action(defaults, key) == Treatment::scrub);
    }
  }

  TEST_CASE("dropping wins over masking, and both over what a value is known to be") {
    PrivacyOptions options;
    options.drop_tags = {"*password*", "url"};
    options.mask_tags = {"*", "url"};
    const PrivacyRules rules(options);
    CHECK(action(rules, "password") == Treatment::drop);
    CHECK(action(rules, "url") == Treatment::drop);
    CHECK(action(rules, "anything") == Treatment::mask);
  }

  TEST_CASE("a value is looked at as what its key says it is") {
    CHECK(scrubbed(defaults, "url", "/a?token=x") == "/a?token=***");
    CHECK(scrubbed(defaults, "http.url", "/a?token=x") == "/a?token=***");
    CHECK(scrubbed(defaults, "http.params", "password=[x]\na=[1]") == "password=***\na=[1]");
    CHECK(scrubbed(defaults, "http.headers", "Cookie=[a=b; c=d]\nHost=[h]") == "Cookie=***\nHost=[h]");
    CHECK(scrubbed(defaults, "message", "token=x http://h/?token=x") == "token=x http://h/?token=***");
    CHECK(scrubbed(defaults, "db.statement", "update t set token=1") == "update t set token=1");
  }

  TEST_CASE("a parameter is a secret if its name is to be dropped or masked") {
    const PrivacyRules rules(PrivacyOptions{{"card"}, {"pin"}, UrlPrivacy::mask});
    CHECK(scrubbed(rules, "url", "/a?card=1&pin=2&token=3") == "/a?card=***&pin=***&token=3");
  }

  TEST_CASE("rules that hide nothing leave everything") {
    const PrivacyRules none;
    CHECK(action(none, "password") == Treatment::scrub);
    CHECK(scrubbed(none, "url", "http://u:p@h/?token=x") == "http://u:p@h/?token=x");
  }

  TEST_CASE("a copy works when the original is gone") {
    auto original = std::make_unique<PrivacyRules>(PrivacyOptions{});
    const PrivacyRules copy(*original);
    original.reset();
    CHECK(action(copy, "token") == Treatment::mask);
    CHECK(scrubbed(copy, "url", "/a?token=x") == "/a?token=***");
  }
}
