#include "sidecar/detail/propagation.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace sidecar::detail;
using std::string;
using std::string_view;

// Names of vectors (U5, V6, N2 ...) are those of the protocol reference; the U ones stand in other agents' tests.

namespace {

struct Vector {
  const char* name;
  string header;
  ContextView meaning;
};

const std::vector<Vector> kSw8Vectors = {
    {"U5",
     "1-My40LjU=-MS4yLjM=-4-c2VydmljZQ==-aW5zdGFuY2U=-L2FwcA==-MTI3LjAuMC4xOjgwODA=",
     {true, 4, "3.4.5", "1.2.3", "service", "instance", "/app", "127.0.0.1:8080"}},
    {"U6",
     "1-MQ==-NQ==-3-bWVzaA==-aW5zdGFuY2U=-L2FwaS92MS9oZWFsdGg=-ZXhhbXBsZS5jb206ODA4MA==",
     {true, 3, "1", "5", "mesh", "instance", "/api/v1/health", "example.com:8080"}},
    {"V6",
     "1-MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYuMzEuMTU0NjMwMDgwMDAwMDAwMDY=-"
     "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYuMzEuMTU0NjMwMDgwMDAwMDAwMDc=-1-c3Zj-aW5zQDEwLjAuMC4x-"
     "R0VUOi/orqLljZU=-MTAuMC4wLjI6ODA4MA==",
     {true, 1, "0123456789abcdef0123456789abcdef.31.15463008000000006",
      "0123456789abcdef0123456789abcdef.31.15463008000000007", "svc", "ins@10.0.0.1", "GET:/\xE8\xAE\xA2\xE5\x8D\x95",
      "10.0.0.2:8080"}},
    {"V7",
     "1-dA==-cw==-0-Zzo6c3ZjfG5zfGNs-aQ==-Lw==-Y2wvMTAuMC4wLjI6ODA4MA==",
     {true, 0, "t", "s", "g::svc|ns|cl", "i", "/", "cl/10.0.0.2:8080"}},
    {"V7 not sampled",
     "0-dA==-cw==-0-Zzo6c3ZjfG5zfGNs-aQ==-Lw==-Y2wvMTAuMC4wLjI6ODA4MA==",
     {false, 0, "t", "s", "g::svc|ns|cl", "i", "/", "cl/10.0.0.2:8080"}},
};

bool equal(const ContextView& a, const ContextView& b) {
  return a.sampled == b.sampled && a.span_id == b.span_id && a.trace_id == b.trace_id && a.segment_id == b.segment_id &&
         a.service == b.service && a.instance == b.instance && a.endpoint == b.endpoint && a.address == b.address;
}

string base64(string_view text) {
  string out(base64_size(text.size()), '?');
  REQUIRE(base64_encode(text, out.data()) == out.size());
  return out;
}

// `header` is copied to memory of exactly its size, so that ASan sees a byte too far.
Parsed parse(string_view header, Context& out) {
  const auto exact = std::make_unique<char[]>(header.size());
  std::copy(header.begin(), header.end(), exact.get());
  return parse_sw8({exact.get(), header.size()}, out);
}

Parsed parse(string_view header) {
  const auto context = std::make_unique<Context>();
  return parse(header, *context);
}

std::vector<string> split(const string& header) {
  std::vector<string> fields(1);
  for (const char c : header) {
    if (c == '-') {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

string join(const std::vector<string>& fields) {
  string header;
  for (std::size_t i = 0; i < fields.size(); ++i) header += (i > 0 ? "-" : "") + fields[i];
  return header;
}

// A header whose i-th field (0..7) is replaced.
string with_field(std::size_t i, const string& field) {
  auto fields = split(kSw8Vectors[0].header);
  fields[i] = field;
  return join(fields);
}

string random_text(std::mt19937& random, std::size_t max) {
  static const std::vector<string> characters = {"a",
                                                 "Z",
                                                 "0",
                                                 "-",
                                                 ":",
                                                 ",",
                                                 "/",
                                                 "\x01",
                                                 "\x7F",
                                                 "\xC3\xA9",
                                                 "\xE7\xA9\xBA",
                                                 "\xEF\xBF\xBF",
                                                 "\xF0\x9F\x98\x80",
                                                 "\xF4\x8F\xBF\xBF"};
  string text;
  const std::size_t wanted = 1 + random() % max;
  while (true) {
    const string& next = characters[random() % characters.size()];
    if (text.size() + next.size() > wanted) return text.empty() ? "x" : text;
    text += next;
  }
}

}  // namespace

TEST_SUITE("shim/propagation") {
  TEST_CASE("each sw8 vector reads as it should and is written as it was") {
    for (const Vector& vector : kSw8Vectors) {
      CAPTURE(vector.name);
      Context context;
      REQUIRE(parse(vector.header, context) == Parsed::ok);
      CHECK(equal(context.view(), vector.meaning));
      Sw8Text written;
      REQUIRE(format_sw8(vector.meaning, written));
      CHECK(written.view() == vector.header);
    }
  }

  TEST_CASE("an empty header is absent, not bad") { CHECK(parse("") == Parsed::absent); }

  TEST_CASE("N2: a vector with a field removed, emptied or added is bad") {
    for (const Vector& vector : kSw8Vectors) {
      const auto fields = split(vector.header);
      REQUIRE(fields.size() == 8);
      for (std::size_t i = 0; i < 8; ++i) {
        CAPTURE(vector.name);
        CAPTURE(i);
        auto removed = fields, emptied = fields, added = fields;
        removed.erase(removed.begin() + static_cast<std::ptrdiff_t>(i));
        emptied[i].clear();
        added.insert(added.begin() + static_cast<std::ptrdiff_t>(i), fields[i]);
        CHECK(parse(join(removed)) == Parsed::bad);
        CHECK(parse(join(emptied)) == Parsed::bad);
        CHECK(parse(join(added)) == Parsed::bad);
      }
      CHECK(parse(vector.header + "-") == Parsed::bad);
      CHECK(parse("-" + vector.header) == Parsed::bad);
    }
  }

  TEST_CASE("a truncated vector is bad, or only its last field is shorter") {
    for (const Vector& vector : kSw8Vectors) {
      for (std::size_t size = 1; size < vector.header.size(); ++size) {
        CAPTURE(vector.name);
        CAPTURE(size);
        Context context;
        if (parse(string_view(vector.header).substr(0, size), context) != Parsed::ok) continue;
        ContextView shorter = vector.meaning;
        shorter.address = shorter.address.substr(0, context.address.view().size());
        CHECK(equal(context.view(), shorter));
        CHECK(size > vector.header.rfind('-') + 1);
      }
    }
  }

  TEST_CASE("padding may be missing, but not in part, nor be elsewhere") {
    CHECK(parse(with_field(1, "My40LjU")) == Parsed::ok);
    CHECK(parse(with_field(7, "dA")) == Parsed::ok);
    for (const char* bad :
         {"dA=", "dA===", "=", "==", "====", "d===", "dA=A", "dA==dA==", "d", "dAAAA", "=dA=", "dAA=="}) {
      CAPTURE(bad);
      CHECK(parse(with_field(1, bad)) == Parsed::bad);
    }
  }

  TEST_CASE("hostile sw8 headers are bad") {
    const string nul(1, '\0');
    const std::vector<string> bad = {
        with_field(0, "2"),
        with_field(0, "01"),
        with_field(0, "x"),
        with_field(0, "true"),
        with_field(3, "2147483648"),
        with_field(3, "9999999999"),
        with_field(3, "99999999999999999999999"),
        with_field(3, "18446744073709551617"),
        with_field(3, "+4"),
        with_field(3, "4 "),
        with_field(3, "0x4"),
        with_field(3, "4.0"),
        with_field(1, "_w=="),  // the URL-safe alphabet
        with_field(1, "My40 LjU="),
        with_field(1, "My40\nLjU="),
        with_field(1, " My40LjU="),
        with_field(1, "My40LjU= "),
        with_field(2, "\x80\x80\x80\x80"),
        with_field(2, nul + "AAA"),
        kSw8Vectors[0].header + nul,
        with_field(4, base64(nul)),
        with_field(4, base64("a" + nul + "b")),  // a NUL inside
        with_field(4, base64("\xC0\x80")),
        with_field(5, base64("\xE0\x80\x80")),
        with_field(6, base64("\xF0\x80\x80\x80")),  // overlong
        with_field(5, base64("\xED\xA0\x80")),      // a surrogate
        with_field(5, base64("\xF4\x90\x80\x80")),  // above U+10FFFF
        with_field(6, base64("\xE8\xAE")),
        with_field(7, base64("\xFF")),
        with_field(7, base64("a\x80")),
        string(1 << 20, 'A'),
        string(1 << 20, '-'),
        "1" + string(1 << 20, '-'),
        with_field(1, string(1 << 20, 'A')),
        "-------",
        "1-------",
        string(7, '-') + "A",
        "null",
        "sw8",
        "\xEF\xBB\xBF" + kSw8Vectors[0].header,
    };
    for (const string& header : bad) {
      CAPTURE(header.substr(0, 200));
      CHECK(parse(header) == Parsed::bad);
    }
  }

  TEST_CASE("the largest span id is read, and bits that no byte needs are ignored") {
    Context context;
    REQUIRE(parse(with_field(3, "2147483647"), context) == Parsed::ok);
    CHECK(context.span_id == 2147483647);
    REQUIRE(parse(with_field(3, "0000000004"), context) == Parsed::ok);
    CHECK(context.span_id == 4);
    REQUIRE(parse(with_field(1, "dB=="), context) == Parsed::ok);
    CHECK(context.trace_id.view() == "t");
  }

  TEST_CASE("an id at the bound is read, a longer one is bad") {
    CHECK(parse(with_field(1, base64(string(1024, 'i')))) == Parsed::ok);
    CHECK(parse(with_field(1, base64(string(1025, 'i')))) == Parsed::bad);
    CHECK(parse(with_field(2, base64(string(1025, 'i')))) == Parsed::bad);
  }

  TEST_CASE("a name that is too long is cut between two characters") {
    Context context;
    const string kanji = "\xE7\xA9\xBA";
    REQUIRE(parse(with_field(4, base64(string(300, 'n'))), context) == Parsed::ok);
    CHECK(context.service.view() == string(255, 'n'));
    REQUIRE(parse(with_field(5, base64(string(254, 'n') + kanji)), context) == Parsed::ok);
    CHECK(context.instance.view() == string(254, 'n'));
    REQUIRE(parse(with_field(5, base64(string(252, 'n') + kanji + "tail")), context) == Parsed::ok);
    CHECK(context.instance.view() == string(252, 'n') + kanji);
    REQUIRE(parse(with_field(6, base64(string(1023, 'n') + "\xF0\x9F\x98\x80")), context) == Parsed::ok);
    CHECK(context.endpoint.view() == string(1023, 'n'));
    CHECK(parse(with_field(4, base64(string(200, 'n') + "\x80" + string(100, 'n')))) == Parsed::bad);
    CHECK(parse(with_field(4, base64(string(300, '\x80')))) == Parsed::bad);
    CHECK(parse(with_field(4, base64(string(300, 'n')) + "!")) == Parsed::bad);
  }

  TEST_CASE("random contexts come back as they were") {
    std::mt19937 random(8);
    for (int i = 0; i < 2000; ++i) {
      const string texts[] = {random_text(random, i % 10 == 0 ? 1024 : 60),
                              random_text(random, 1024),
                              random_text(random, 255),
                              random_text(random, 255),
                              random_text(random, 1024),
                              random_text(random, 256)};
      const ContextView context{random() % 2 == 0, static_cast<std::int32_t>(random() & 0x7FFFFFFF),
                                texts[0],          texts[1],
                                texts[2],          texts[3],
                                texts[4],          texts[5]};
      Sw8Text written;
      REQUIRE(format_sw8(context, written));
      Context read;
      REQUIRE(parse(written.view(), read) == Parsed::ok);
      REQUIRE(equal(read.view(), context));
    }
  }

  TEST_CASE("the largest context is written and read") {
    const string id(1024, '\x7F'), name(255, '\x7F'), operation(1024, '\x7F'), peer(256, '\x7F');
    const ContextView context{true, 2147483647, id, id, name, name, operation, peer};
    Sw8Text written;
    REQUIRE(format_sw8(context, written));
    CHECK(written.view().size() == kMaxSw8Written);
    Context read;
    REQUIRE(parse(written.view(), read) == Parsed::ok);
    CHECK(equal(read.view(), context));
  }

  TEST_CASE("a context that no receiver would take is not written") {
    const string id(1025, 'i'), name(256, 'n'), operation(1025, 'o'), peer(257, 'p');
    const ContextView good = kSw8Vectors[0].meaning;
    Sw8Text written;
    const auto refused = [&](auto change) {
      ContextView context = good;
      change(context);
      written.append("rest of before");
      return !format_sw8(context, written) && written.empty();
    };
    CHECK(format_sw8(good, written));
    CHECK(refused([&](ContextView& c) { c.trace_id = {}; }));
    CHECK(refused([&](ContextView& c) { c.segment_id = {}; }));
    CHECK(refused([&](ContextView& c) { c.service = {}; }));
    CHECK(refused([&](ContextView& c) { c.instance = {}; }));
    CHECK(refused([&](ContextView& c) { c.endpoint = {}; }));
    CHECK(refused([&](ContextView& c) { c.address = {}; }));
    CHECK(refused([&](ContextView& c) { c.trace_id = id; }));
    CHECK(refused([&](ContextView& c) { c.segment_id = id; }));
    CHECK(refused([&](ContextView& c) { c.service = name; }));
    CHECK(refused([&](ContextView& c) { c.instance = name; }));
    CHECK(refused([&](ContextView& c) { c.endpoint = operation; }));
    CHECK(refused([&](ContextView& c) { c.address = peer; }));
    CHECK(refused([&](ContextView& c) { c.span_id = -1; }));
  }

  TEST_CASE("U7, V8: correlations are read and written in order") {
    struct {
      string header;
      std::vector<std::pair<string, string>> entries;
    } const vectors[] = {
        {"dGVzdDE=:dDE=,dGVzdDI=:dDI=", {{"test1", "t1"}, {"test2", "t2"}}},
        {"aw==:dg==,56m6:5YC8", {{"k", "v"}, {"\xE7\xA9\xBA", "\xE5\x80\xBC"}}},
    };
    for (const auto& vector : vectors) {
      Correlation correlation;
      REQUIRE(parse_correlation(vector.header, correlation) == Parsed::ok);
      REQUIRE(correlation.size() == vector.entries.size());
      for (std::size_t i = 0; i < correlation.size(); ++i) {
        CHECK(correlation.key(i) == vector.entries[i].first);
        CHECK(correlation.value(i) == vector.entries[i].second);
        CHECK(correlation.get(vector.entries[i].first) == vector.entries[i].second);
      }
      CorrelationText written;
      format_correlation(correlation, written);
      CHECK(written.view() == vector.header);
    }
  }

  TEST_CASE("elements of a correlation that are not two texts are skipped") {
    Correlation correlation;
    CHECK(parse_correlation("", correlation) == Parsed::absent);
    for (const char* nothing : {"dGVzdDE=:", "dGVzdDE=", ":dDE=", ":", ",", ",,,", "::", "a:b",
                                "dA==:dA==:dA==", "dA==:AA==", "d_==:dA==", "dA==:gIA=", "\xFF:\xFF"}) {
      CAPTURE(nothing);
      correlation.set("left", "over");
      CHECK(parse_correlation(nothing, correlation) == Parsed::bad);
      CHECK(correlation.size() == 0);
    }
    REQUIRE(parse_correlation("dGVzdDE=:,aw==:dg==,:,x", correlation) == Parsed::ok);
    CHECK(correlation.size() == 1);
    CHECK(correlation.get("k") == "v");
    CHECK(parse_correlation(string(1 << 20, ','), correlation) == Parsed::bad);
    CHECK(parse_correlation(string_view("aw==:dg==\0", 10), correlation) == Parsed::bad);
  }

  TEST_CASE("a correlation holds three keys, and of a key the last value") {
    Correlation correlation;
    REQUIRE(parse_correlation("YQ==:MQ==,Yg==:Mg==,YQ==:Mw==,Yw==:NA==,ZA==:NQ==,Yg==:Ng==", correlation) ==
            Parsed::ok);
    REQUIRE(correlation.size() == 3);
    CHECK(correlation.get("a") == "3");
    CHECK(correlation.get("b") == "6");
    CHECK(correlation.get("c") == "4");
    CHECK(correlation.get("d") == "");
    CHECK_FALSE(correlation.set("d", "no room"));
    CHECK(correlation.set("a", ""));
    CHECK(correlation.set("d", "room"));
    CHECK(correlation.key(0) == "b");
    CHECK(correlation.key(1) == "c");
    CHECK(correlation.key(2) == "d");
    CHECK(correlation.set("c", correlation.value(1)));
    CHECK(correlation.get("c") == "4");
  }

  TEST_CASE("a correlation's value has 128 characters at most, as Java counts them") {
    Correlation correlation;
    string kanji, faces;
    for (int i = 0; i < 128; ++i) kanji += "\xE7\xA9\xBA";
    for (int i = 0; i < 64; ++i) faces += "\xF0\x9F\x98\x80";
    CHECK(correlation.set("k", string(128, 'v')));
    CHECK(correlation.set("k", kanji));
    CHECK(correlation.set("k", faces));
    CHECK_FALSE(correlation.set("k", string(129, 'v')));
    CHECK_FALSE(correlation.set("k", faces + "v"));
    CHECK_FALSE(correlation.set("k", kanji + "v"));
    CHECK_FALSE(correlation.set("k", "\xFF"));
    CHECK_FALSE(correlation.set("k", string_view("a\0b", 3)));
    CHECK_FALSE(correlation.set("", "v"));
    CHECK_FALSE(correlation.set(string(129, 'k'), "v"));
    CHECK(correlation.get("k") == faces);
    CHECK(parse_correlation("aw==:" + base64(string(129, 'v')), correlation) == Parsed::bad);
    CHECK(parse_correlation("aw==:" + base64(kanji), correlation) == Parsed::ok);
  }

  TEST_CASE("random correlations come back as they were") {
    std::mt19937 random(3);
    for (int i = 0; i < 2000; ++i) {
      Correlation correlation;
      for (unsigned n = random() % 4; n > 0; --n) correlation.set(random_text(random, 128), random_text(random, 128));
      CorrelationText written;
      format_correlation(correlation, written);
      Correlation read;
      REQUIRE(parse_correlation(written.view(), read) == (correlation.size() > 0 ? Parsed::ok : Parsed::absent));
      REQUIRE(read.size() == correlation.size());
      for (std::size_t k = 0; k < read.size(); ++k) {
        REQUIRE(read.key(k) == correlation.key(k));
        REQUIRE(read.value(k) == correlation.value(k));
      }
    }
  }

  TEST_CASE("the largest correlation is written") {
    Correlation correlation;
    string value;
    for (int i = 0; i < 128; ++i) value += "\xE7\xA9\xBA";
    for (const char c : {'a', 'b', 'c'}) REQUIRE(correlation.set(string(128, c), value));
    CorrelationText written;
    format_correlation(correlation, written);
    CHECK(written.view().size() == kMaxCorrelationWritten - 1);  // one ',' less than elements
  }

  TEST_CASE("U8: every form of sw8-x is read, and written in the current one") {
    struct {
      string header;
      Parsed parsed;
      bool skip_analysis;
      std::int64_t sent_ms;
      string written;
    } const vectors[] = {
        {"1- ", Parsed::ok, true, 0, "1- "},
        {"0-1602743904804", Parsed::ok, false, 1602743904804, "0-1602743904804"},
        {"test- ", Parsed::ok, false, 0, "0- "},
        {"1-test", Parsed::ok, true, 0, "1- "},
        {"", Parsed::absent, false, 0, "0- "},
        {"0", Parsed::ok, false, 0, "0- "},
        {"1", Parsed::ok, true, 0, "1- "},
        {"0-", Parsed::ok, false, 0, "0- "},
        {"0- ", Parsed::ok, false, 0, "0- "},
        {"1-", Parsed::ok, true, 0, "1- "},
        {"1-5-9", Parsed::ok, true, 5, "1-5"},
        {"-", Parsed::ok, false, 0, "0- "},
        {"1--5", Parsed::ok, true, 0, "1- "},
        {"1-+5", Parsed::ok, true, 0, "1- "},
        {"1-9223372036854775807", Parsed::ok, true, INT64_MAX, "1-9223372036854775807"},
        {"1-9223372036854775808", Parsed::ok, true, 0, "1- "},
        {"1-99999999999999999999999999", Parsed::ok, true, 0, "1- "},
        {"1" + string(1 << 20, '-'), Parsed::bad, false, 0, "0- "},
    };
    for (const auto& vector : vectors) {
      CAPTURE(vector.header.substr(0, 100));
      Extension extension{true, 7};
      CHECK(parse_extension(vector.header, extension) == vector.parsed);
      CHECK(extension.skip_analysis == vector.skip_analysis);
      CHECK(extension.sent_ms == vector.sent_ms);
      ExtensionText written;
      format_extension(extension, written);
      CHECK(written.view() == vector.written);
    }
  }

  TEST_CASE("every text of one or two bytes survives base64") {
    char decoded[3];
    for (unsigned i = 0; i < 65536 + 256; ++i) {
      string text(1, static_cast<char>(i & 0xFF));
      if (i >= 256) text += static_cast<char>((i - 256) >> 8);
      const string encoded = base64(text);
      REQUIRE(base64_decode(encoded, decoded, sizeof decoded) == text.size());
      REQUIRE(string_view(decoded, text.size()) == text);
    }
  }

  TEST_CASE("all of Unicode is UTF-8, and nothing else of up to three bytes") {
    const auto encode = [](unsigned c) {
      string text;
      if (c < 0x80) return string(1, static_cast<char>(c));
      const unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
      text += static_cast<char>((0xF0u << (3 - more)) | c >> (6 * more));
      for (unsigned i = more; i-- > 0;) text += static_cast<char>(0x80 | (c >> (6 * i) & 0x3F));
      return text;
    };
    unsigned counts[5] = {};
    for (unsigned c = 0; c <= 0x10FFFF + 100; ++c) {
      const bool good = c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
      const string text = encode(c);
      if (valid_utf8(text) != good) FAIL("wrong about code point " << c);
      if (good) ++counts[text.size()];
    }
    unsigned valid[4] = {};
    for (unsigned i = 0; i < (1u << 24); i += i < (1u << 16) ? 1 : 7) {  // a step that meets every byte in every place
      const char bytes[] = {static_cast<char>(i >> 16), static_cast<char>(i >> 8), static_cast<char>(i)};
      const std::size_t size = i < 256 ? 1 : i < 65536 ? 2 : 3;
      const string_view text(bytes + 3 - size, size);
      if (utf8_length(text, 0) == size) ++valid[size];
    }
    CHECK(valid[1] == counts[1]);
    CHECK(valid[2] == counts[2]);
  }
}
