// Bodies and headers in all forms that applications write, whole and broken.

#include <doctest/doctest.h>

#include <chrono>
#include <vector>

#include "privacy/privacy_rules.h"

using namespace sidecar;

namespace {

const PrivacyRules& rules(UrlPrivacy mode = UrlPrivacy::mask) {
  static const PrivacyRules modes[] = {
      PrivacyRules(PrivacyOptions{{}, kUsualSecrets, UrlPrivacy::keep}),
      PrivacyRules(PrivacyOptions{{}, kUsualSecrets, UrlPrivacy::mask}),
      PrivacyRules(PrivacyOptions{{}, kUsualSecrets, UrlPrivacy::mask_all}),
      PrivacyRules(PrivacyOptions{{}, kUsualSecrets, UrlPrivacy::drop_query}),
  };
  return modes[static_cast<std::size_t>(mode)];
}

std::string scrubbed(const std::string& text, TextKind kind, UrlPrivacy mode = UrlPrivacy::mask) {
  std::string out;
  if (!rules(mode).scrub(text, kind, out)) return text;
  CHECK(out.size() <= 2 * text.size() + 3);
  std::string again;
  if (rules(mode).scrub(out, kind, again)) CHECK(again == out);
  return out;
}

std::string body(const std::string& text) { return scrubbed(text, TextKind::query); }
std::string headers(const std::string& text) { return scrubbed(text, TextKind::headers); }

}  // namespace

TEST_SUITE("privacy/body_walk") {
  TEST_CASE("in JSON the values behind secrets' names go, whatever they are") {
    CHECK(body(R"({"user":"joe","password":"x"})") == R"({"user":"joe","password":"***"})");
    CHECK(body(R"({"password" : "x", "n": 1})") == R"({"password" : "***", "n": 1})");
    CHECK(body("{\n  \"password\":\r\n  \"x\",\n  \"n\": 1\n}") == "{\n  \"password\":\r\n  \"***\",\n  \"n\": 1\n}");
    CHECK(body(R"({"password":"a\"b, \\","n":1})") == R"({"password":"***","n":1})");
    CHECK(body(R"({"otp":123456,"n":1})") == R"({"otp":***,"n":1})");
    CHECK(body(R"({"token":null})") == R"({"token":***})");
    CHECK(body(R"({"password":""})") == R"({"password":""})");
    CHECK(body(R"([{"token":"a"},{"token":"b"}])") == R"([{"token":"***"},{"token":"***"}])");
    CHECK(body(R"({'password': 'x', 'n': 'y'})") == R"({'password': '***', 'n': 'y'})");
    CHECK(body(R"({"access token":"x"})") == R"({"access token":"***"})");
    CHECK(body(R"({"n":"password","m":"token"})") == R"({"n":"password","m":"token"})");
    CHECK(body(R"({"input_tokens": 5, "author": "x"})") == R"({"input_tokens": 5, "author": "x"})");
  }

  TEST_CASE("objects and lists under a secret's name go whole") {
    CHECK(body(R"({"credentials":{"a":"}","b":[1,{"c":"\"]"}]},"n":1})") == R"({"credentials":***,"n":1})");
    CHECK(body(R"({"tokens":["a"],"cookies":["a","b"],"n":1})") == R"({"tokens":["a"],"cookies":***,"n":1})");
  }

  TEST_CASE("JSON in a string of JSON is looked into") {
    CHECK(body(R"({"body":"{\"password\":\"x\\\"y\",\"n\":1}","m":2})") ==
          R"({"body":"{\"password\":\"***\",\"n\":1}","m":2})");
    CHECK(body(R"({"body":"{\"otp\":123}","m":2})") == R"({"body":"{\"otp\":***}","m":2})");
    CHECK(body(R"({"body":"{\"credentials\":{\"a\":\"b\"}}","m":2})") == R"({"body":"{\"credentials\":***}","m":2})");
    CHECK(body(R"({"body":"{\"credentials\":{\"a\":","m":2})") == R"({"body":"{\"credentials\":***","m":2})");
    CHECK(body(R"({"body":"{\"password\":\"x","m":2})") == R"({"body":"{\"password\":\"***","m":2})");
    CHECK(body(R"({"body":"password=x&n=1","m":2})") == R"({"body":"password=***&n=1","m":2})");
    CHECK(body(R"({"text":"your password: x","m":2})") == R"({"text":"your password: ***","m":2})");
    CHECK(body(R"({"url":"https://u:p@h/?token=x","m":"a@b"})") == R"({"url":"https://***@h/?token=***","m":"a@b"})");
  }

  TEST_CASE("what is cut or broken is hidden to its end") {
    CHECK(body(R"({"password":"x)") == R"({"password":"***)");
    CHECK(body(R"({"password":)") == R"({"password":)");
    CHECK(body(R"({"password":12)") == R"({"password":***)");
    CHECK(body(R"({"credentials":{"a":"b")") == R"({"credentials":***)");
    CHECK(body(R"({"password":"abc"def,"n":1})") == R"({"password":***,"n":1})");
    CHECK(body(R"({"password": not JSON at all, "n":1})") == R"({"password": ***"n":1})");
    CHECK(body(R"({password:x, n:1})") == "{password:***");
    CHECK(body(R"(5" wide {"password":"x"})") == R"(5" wide {"password":"***"})");
    CHECK(body(R"(data={"password":"x"}&n=1)") == R"(data={"password":"***"}&n=1)");
    CHECK(body("{password=x, y, user=joe}") == "{password=***");
    CHECK(body("'password' => 'x', 'n' => 1") == "'password' => '***', 'n' => 1");
  }

  TEST_CASE("forms keep what they had") {
    CHECK(body("password=a\"b<c&n=1") == "password=***&n=1");
    CHECK(body("form%5Bpassword%5D=x&n=1") == "form%5Bpassword%5D=***&n=1");
    CHECK(body("form[password]=x&n=1") == "form[password]=***&n=1");
    CHECK(body("password=\"x\"&n=1") == "password=\"***\"&n=1");
    CHECK(body("a=1&b=2") == "a=1&b=2");
    CHECK(body("next=http://u:p@h/&token=x&n=1") == "next=http://***@h/&token=***&n=1");
    CHECK(body("password=[a&b,c]\nn=[1]") == "password=***\nn=[1]");
  }

  TEST_CASE("lines of a name and a value, as in headers and YAML") {
    CHECK(headers("Host: h\r\nAuthorization: Bearer x\r\nCookie: a=b; c=\"d\"\r\nA: b\r\n") ==
          "Host: h\r\nAuthorization: ***\r\nCookie: ***\r\nA: b\r\n");
    CHECK(headers("Authorization: a\r\n  folded\r\nA: b") == "Authorization: ***\r\nA: b");
    CHECK(headers("Cookie=[\"a\", b=c&d]\nHost=[h]") == "Cookie=***\nHost=[h]");
    CHECK(headers("Cookie: \"a\", b\nA: b") == "Cookie: ***\nA: b");
    CHECK(headers("X: y; token=x; z\nA: b") == "X: y; token=***\nA: b");
    CHECK(headers(R"({"Authorization":["Bearer x"],"Host":["h:1"]})") == R"({"Authorization":***,"Host":["h:1"]})");
    CHECK(headers(R"([["Authorization","Bearer x"]])") ==
          R"([["Authorization","Bearer x"]])");  // see conf/sidecar.yaml
    CHECK(body("user: joe\npassword: x\nkey: |\n a\n") == "user: joe\npassword: ***\nkey: |\n a\n");
    CHECK(body("a:\n  private_key: |\n    x\n    y\n  n: 1\n") == "a:\n  private_key: ***\n  n: 1\n");
    CHECK(body("- password: x\n  n: 1\n") == "- password: ***\n  n: 1\n");
  }

  TEST_CASE("elements and attributes of XML and HTML") {
    CHECK(body("<a><password>x</password><n>1</n></a>") == "<a><password>***</password><n>1</n></a>");
    CHECK(body("<s:Password Type=\"T\">x</s:Password><n>1</n>") == "<s:Password Type=\"T\">***</s:Password><n>1</n>");
    CHECK(body("<password><![CDATA[x</y>]]></password>") == "<password>***</password>");
    CHECK(body("<password><password>x</password>y</password><n/>") == "<password>***</password><n/>");
    CHECK(body("<password/><n>1</n>") == "<password/><n>1</n>");
    CHECK(body("<password>x</pass") == "<password>***");
    CHECK(body("<a password=\"x\" n='1'>text</a>") == "<a password=\"***\" n='1'>text</a>");
    CHECK(body("<add key=\"password\" value=\"x\"/><n>1</n>") == "<add key=\"password\" value=\"***\"/><n>1</n>");
    CHECK(body("<p name=\"password\">x</p><n>1</n>") == "<p name=\"password\">***</p><n>1</n>");
    CHECK(body("<password value=\"x\">y</password>") == "<password value=\"***\">***</password>");
    CHECK(body("<input type=\"password\" name=\"pwd\" value=\"x\"><b>1</b>") ==
          "<input type=\"password\" name=\"pwd\" value=\"***\"><b>1</b>");
    CHECK(body("<input name=\"password\"><b>1</b>") == "<input name=\"password\"><b>1</b>");
  }

  TEST_CASE("a secret's name may be a value itself") {
    CHECK(body(R"([{"name":"token","value":"x"},{"name":"n","value":"1"}])") ==
          R"([{"name":"token","value":"***"},{"name":"n","value":"1"}])");
    CHECK(body(R"({"key":"token"},{"value":"1"})") == R"({"key":"token"},{"value":"1"})");
  }

  TEST_CASE("parts of multipart") {
    const std::string head = "--xx\r\nContent-Disposition: form-data; name=";
    CHECK(
        body(head +
             "\"password\"\r\n\r\nx\r\n--y\r\n--xx\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n1\r\n--xx--") ==
        head + "\"password\"\r\n\r\n***\r\n--xx\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n1\r\n--xx--");
    CHECK(body(head + "token\r\nContent-Type: text/plain\r\n\r\nx\r\n--xx--") ==
          head + "token\r\nContent-Type: text/plain\r\n\r\n***\r\n--xx--");
    CHECK(body(head + "\"token\"\r\n\r\n\r\n--xx--") == head + "\"token\"\r\n\r\n\r\n--xx--");
    CHECK(body(head + "\"token\"\r\n\r\nx") == head + "\"token\"\r\n\r\n***");
    CHECK(body(head + "\"n\"\r\n\r\nx\r\n--xx--") == head + "\"n\"\r\n\r\nx\r\n--xx--");
    CHECK(body(head + "\"n\"\r\n\r\n{\"token\":\"x\"}\r\n--xx--") ==
          head + "\"n\"\r\n\r\n{\"token\":\"***\"}\r\n--xx--");
  }

  TEST_CASE("other tags and fields that begin like JSON are looked at as such") {
    CHECK(scrubbed(R"({"password":"x"})", TextKind::text) == R"({"password":"***"})");
    CHECK(scrubbed(R"([{"password":"x"}])", TextKind::text) == R"([{"password":"***"}])");
    CHECK(scrubbed("[main] token: renewed", TextKind::text) == "[main] token: renewed");
    CHECK(rules().may_hide(R"({"password":"x"})", TextKind::text, false));
    CHECK_FALSE(rules().may_hide("password: x", TextKind::text, false));
    CHECK_FALSE(rules().may_hide("[1, 2]", TextKind::text, false));
  }

  TEST_CASE("JSON begins behind white space too, and a list of it may be written over several lines") {
    for (const char* const before : {" ", "\n", "\t", "[ ", "[\n  "}) {
      CAPTURE(before);
      const std::string text = std::string(before) + R"({"password":"x"})" + (before[0] == '[' ? "]" : "");
      CHECK(scrubbed(text, TextKind::text).find("\"x\"") == std::string::npos);
    }
  }

  TEST_CASE("the stricter treatments of URLs hide no less") {
    for (const UrlPrivacy mode : {UrlPrivacy::mask_all, UrlPrivacy::drop_query}) {
      CHECK(scrubbed(R"({"password":"x","u":"http://h/?a=1"})", TextKind::query, mode) ==
            (mode == UrlPrivacy::mask_all ? "***" : ""));
      const std::string query = mode == UrlPrivacy::mask_all ? "?a=***" : "";
      CHECK(scrubbed("Authorization: x\nReferer: http://h/?a=1", TextKind::headers, mode) ==
            "Authorization: ***\nReferer: http://h/" + query);
      CHECK(scrubbed(R"({"token":"x","u":"http://h/?a=1"})", TextKind::text, mode) ==
            R"({"token":"***","u":"http://h/)" + query + "\"}");
    }
    CHECK(scrubbed(R"({"password":"x"})", TextKind::query, UrlPrivacy::keep) == R"({"password":"x"})");
  }

  TEST_CASE("cut anywhere, a body is handled without looking beyond its end") {
    const std::string whole =
        "{\"token\":\"a\\\"b\",'pwd':{\"a\":[\"\\\\\"]}}\n<token a=\"b\">c</token>\r\nCookie: d\r\n "
        "e\nsig=f&x=://g:h@i\n"
        "Content-Disposition: form-data; name=\"otp\"\r\n\r\nj\r\n--\\\\\\\"jwt\\\\\\\":\\\\\\\"k";
    for (const TextKind kind : {TextKind::text, TextKind::query, TextKind::headers})
      for (std::size_t begin = 0; begin <= whole.size(); ++begin)
        for (std::size_t length = 0; begin + length <= whole.size(); length += 1 + length / 8) {
          // on the heap and exact, so that ASan sees one byte too far
          const std::vector<char> part(whole.begin() + static_cast<std::ptrdiff_t>(begin),
                                       whole.begin() + static_cast<std::ptrdiff_t>(begin + length));
          std::string out;
          rules().scrub({part.data(), part.size()}, kind, out);
          CHECK(out.size() <= 2 * length + 3);
        }
  }

  TEST_CASE("hostile bodies cost no more than others of their length") {
    // Each would take minutes if anything were looked at again for every part; the limit is generous.
    for (const char* part : {"\"",
                             "\\\"",
                             "\\",
                             "{\"token\":",
                             "\"token\":{",
                             "\"token\":[\"",
                             "token:",
                             "token=",
                             "<token>",
                             "<token",
                             "<",
                             "<token></token>",
                             "name=",
                             "name=\"",
                             "name=\"token",
                             "://",
                             "://a:b/",
                             "\n",
                             "\r\n",
                             "\n--",
                             "token: \n ",
                             "Content-Disposition: form-data; name=token\n\n",
                             "'",
                             "\"token\":\"a\"b",
                             "[",
                             "{",
                             "=",
                             "%"}) {
      for (const TextKind kind : {TextKind::text, TextKind::query, TextKind::headers}) {
        std::string hostile = "{";
        while (hostile.size() < 32'000) hostile += part;
        const auto before = std::chrono::steady_clock::now();
        std::string out;
        rules().scrub(hostile, kind, out);
        rules().scrub(hostile.substr(1), kind, out);
        CAPTURE(part);
        CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(5));
      }
    }
  }
}
