// TLS and the token: what goes to a collector, what is wrong with it, and files that change.

#include <sys/stat.h>
#include <unistd.h>

#include "collector_host.h"

using namespace sidecar;
using namespace std::chrono_literals;
using V = Verdict;

namespace {

TestCollectorOptions with_tls(bool wants_client = false) {
  TestCollectorOptions options;
  options.tls_cert = kTestServerCert;
  options.tls_key = kTestServerKey;
  if (wants_client) options.client_ca = kTestCa;
  return options;
}

// A user for whom the mode of a file counts, who owns the directory and what is in it.
class OrdinaryUser {
 public:
  explicit OrdinaryUser(const std::string& directory) {
    if (geteuid() != 0) return;
    REQUIRE(chown(directory.c_str(), kNobody, kNobody) == 0);
    REQUIRE(seteuid(kNobody) == 0);
    changed_ = true;
  }
  ~OrdinaryUser() {
    if (changed_) CHECK(seteuid(0) == 0);
  }
  OrdinaryUser(const OrdinaryUser&) = delete;

 private:
  static constexpr uid_t kNobody = 65534;
  bool changed_ = false;
};

using Host = CollectorHost;

}  // namespace

TEST_SUITE("contract/secrets") {
  TEST_CASE("TLS with a CA, and with a certificate of our own") {
    for (const bool wants_client : {false, true}) {
      Host host;
      TestCollector& server = host.serve(with_tls(wants_client));
      host.trust();
      if (wants_client) {
        host.options.tls.certificate = host.file("client.pem", kTestClientCert);
        host.options.tls.key = host.file("client.key", kTestClientKey);
      }
      host.start_up();
      CHECK(host.send().verdict == V::delivered);
      CHECK(host.keep_alive().verdict == V::delivered);
      CHECK(server.store().segment_count() == 2);
    }
  }

  TEST_CASE("what is wrong with TLS is said with its remedy") {
    SUBCASE("nobody we trust has signed its certificate") {
      Host host;
      host.serve(with_tls());
      host.options.tls.enabled = true;
      host.options.tls.ca = host.file("ca.pem", kStrangerCert);
      host.start();
      CHECK(host.fails_with("its certificate is not trusted"));
    }
    SUBCASE("its certificate has expired") {
      Host host;
      TestCollectorOptions served;
      served.tls_cert = kExpiredCert;
      served.tls_key = kExpiredKey;
      host.serve(served);
      host.options.tls.enabled = true;
      host.options.tls.ca = host.file("ca.pem", kExpiredCert);
      host.start();
      CHECK(host.fails_with("is not trusted: not signed by collector.tls.ca (or the system's authorities), expired"));
    }
    SUBCASE("our key is another certificate's") {
      Host host;
      host.serve(with_tls(true));
      host.trust();
      host.options.tls.certificate = host.file("client.pem", kTestClientCert);
      host.options.tls.key = host.file("client.key", kTestServerKey);
      host.start();
      CHECK(host.fails_with("a key that is not the certificate's"));
    }
    SUBCASE("its certificate is another host's") {
      Host host;
      host.serve(with_tls());
      host.trust();
      host.options.tls.server_name = "other.example.com";
      host.start();
      CHECK(host.fails_with("its certificate is for another name"));
    }
    SUBCASE("it wants a certificate of ours") {
      Host host;
      host.serve(with_tls(true));
      host.trust();
      host.start();
      CHECK(host.fails_with("client certificate"));
    }
    SUBCASE("it speaks TLS and we do not") {
      Host host;
      host.serve(with_tls());
      host.start();
      CHECK(host.fails_with("does it want TLS"));
    }
    SUBCASE("we speak TLS and it does not") {
      Host host;
      host.serve();
      host.trust();
      host.start();
      CHECK(host.fails_with("it does not speak TLS"));
    }
  }

  TEST_CASE("TLS files that cannot be used are named, and used when they can be") {
    Host host;
    host.serve(with_tls());
    host.options.tls.enabled = true;
    host.options.tls.ca = host.directory.at("ca.pem");
    host.start();
    const auto problem = [&] {
      const CollectorStatus status = host.subject->status();
      return status.problems.empty() ? std::string() : status.problems[0];
    };
    CHECK(problem() == "collector.tls.ca: " + host.options.tls.ca + ": no such file");
    REQUIRE(mkdir(host.options.tls.ca.c_str(), 0755) == 0);
    CHECK(host.run_until([&] { return problem().find("is a directory") != std::string::npos; }));
    rmdir(host.options.tls.ca.c_str());
    host.file("ca.pem", "not a certificate\n");
    CHECK(host.run_until([&] { return problem().find("holds no CERTIFICATE in PEM form") != std::string::npos; }));
    CHECK(host.ready == 0);
    host.file("ca.pem", kTestCa);
    REQUIRE(host.run_until([&] { return host.ready == 1; }));
    CHECK(problem().empty());
    CHECK(host.send().verdict == V::delivered);
  }

  TEST_CASE("files that may not be read are read as soon as they may be, with nothing else changed") {
    Host host;
    host.serve(with_tls());
    const OrdinaryUser user(host.directory.at("."));
    host.trust();
    host.options.token_file = host.file("token", "good");
    REQUIRE(chmod(host.options.tls.ca.c_str(), 0) == 0);
    REQUIRE(chmod(host.options.token_file.c_str(), 0) == 0);
    host.start();
    const std::vector<std::string> problems = host.subject->status().problems;
    REQUIRE(problems.size() == 2);
    for (const std::string& problem : problems) CHECK(problem.find("permission denied") != std::string::npos);
    // A look at them with nothing changed keeps the problems.
    for (int looks = 0; looks < 3; ++looks) {
      bool passed = false;
      const auto pause = host.loop.make_timer([&] { passed = true; });
      pause->start(host.options.reread);
      REQUIRE(host.run_until([&] { return passed; }));
    }
    CHECK(host.subject->status().problems == problems);
    REQUIRE(chmod(host.options.tls.ca.c_str(), 0600) == 0);
    REQUIRE(chmod(host.options.token_file.c_str(), 0600) == 0);
    REQUIRE(host.run_until([&] { return host.ready == 1; }));
    CHECK(host.run_until([&] { return host.subject->status().problems.empty(); }));
    CHECK(host.send().verdict == V::delivered);
    CHECK(host.in_use().store().call_log().back().token == "good");
  }

  TEST_CASE("TLS files that were only touched keep the connection") {
    Host host;
    host.serve(with_tls());
    host.trust();
    host.start_up();
    host.file("ca.pem", "");
    REQUIRE(host.run_until([&] { return !host.subject->status().problems.empty(); }));
    host.file("ca.pem", kTestCa);
    REQUIRE(host.run_until([&] { return host.subject->status().problems.empty(); }));
    CHECK(host.send().verdict == V::delivered);
    CHECK(host.subject->status().connects == 1);
  }

  TEST_CASE("new TLS files are used for a new connection, without a loss; bad ones are not") {
    Host host;
    host.serve(with_tls());
    host.trust();
    host.start_up();
    host.file("ca.pem", std::string("# newer\n") + kTestCa);
    REQUIRE(host.run_until([&] { return host.subject->status().connects == 2; }));
    CHECK(host.lost == 0);
    host.file("ca.pem", "");
    REQUIRE(host.run_until([&] { return !host.subject->status().problems.empty(); }));
    CHECK(host.send().verdict == V::delivered);
    CHECK(host.subject->status().connects == 2);
  }

  TEST_CASE("new TLS files that lead to no connection are tried again, and the present one stays until they do") {
    Host host;
    host.serve(with_tls());
    host.trust();
    host.start_up();
    host.file("ca.pem", kStrangerCert);
    const auto entry = [&] { return host.subject->status().collectors[0]; };
    REQUIRE(host.run_until([&] { return entry().last_error.find("is not trusted") != std::string::npos; }));
    for (int tries = 0; tries < 3; ++tries) {
      const Tick until = entry().rests_until;
      REQUIRE(host.run_until([&] { return entry().rests_until != until; }));
    }
    CHECK(host.send().verdict == V::delivered);
    CHECK(host.lost == 0);
    SUBCASE("they are mended") { host.file("ca.pem", std::string("# newer\n") + kTestCa); }
    SUBCASE("they are what they were") { host.file("ca.pem", kTestCa); }
    REQUIRE(host.run_until([&] { return host.subject->status().connects == 2; }));
    CHECK(host.lost == 0);
    CHECK(host.send().verdict == V::delivered);
  }

  TEST_CASE("TLS files that are mended while an address rests for the bad ones are used at once") {
    Host host;
    host.serve(with_tls());
    host.options.tls.enabled = true;
    host.options.tls.ca = host.file("ca.pem", kStrangerCert);
    host.options.backoff = {1h, 1h};
    host.start();
    REQUIRE(host.fails_with("is not trusted"));
    host.file("ca.pem", kTestCa);
    REQUIRE(host.run_until([&] { return host.ready == 1; }));
  }

  TEST_CASE("the token goes with every call of every kind, and is shown nowhere") {
    const std::string secret = "s3cret-t0ken";
    Host host;
    TestCollectorOptions served;
    served.token = secret;
    TestCollector& server = host.serve(served);
    host.options.token_file = host.file("token", secret + "\n");
    host.start_up();
    CHECK(host.keep_alive().verdict == V::delivered);
    CHECK(host.send().verdict == V::delivered);
    // A collector that says it back.
    for (int code : {2, 8, 13, 14, 16}) {
      server.misbehave({.fault = Fault::status, .times = 1, .code = code, .message = "you sent " + secret + "!"});
      const Outcome outcome = host.send();
      CHECK(outcome.detail.find("you sent ***!") != std::string::npos);
      CHECK(outcome.detail.find(secret) == std::string::npos);
      CHECK(host.subject->status().last_error.find(secret) == std::string::npos);
      for (const CollectorEntry& entry : host.subject->status().collectors)
        CHECK(entry.last_error.find(secret) == std::string::npos);
      REQUIRE(host.run_until([&] { return host.subject->ready(); }));
    }
    for (const StoredCall& call : server.store().call_log()) CHECK(call.token == secret);
  }

  TEST_CASE("a token that was replaced is shown nowhere either") {
    Host host;
    TestCollector& server = host.serve();
    host.options.token_file = host.file("token", "t0ken");
    host.start_up();
    server.misbehave({.fault = Fault::slow, .times = 1, .delay = 300ms});
    std::optional<Outcome> slow;
    host.begin(slow);
    host.file("token", "t0ken-longer");  // begins like the former one
    REQUIRE(host.run_until([&] { return slow.has_value(); }));
    REQUIRE(host.send().verdict == V::delivered);
    CHECK(server.store().call_log().back().token == "t0ken-longer");
    for (const std::string secret : {"t0ken", "t0ken-longer"}) {
      server.misbehave({.fault = Fault::status, .times = 1, .code = 2, .message = "<" + secret + ">"});
      CHECK(host.send().detail == "UNKNOWN: <***>");
    }
  }

  TEST_CASE("a token that changes is used at once, a wrong one holds") {
    Host host;
    TestCollectorOptions served;
    served.token = "right";
    TestCollector& server = host.serve(served);
    host.options.token_file = host.file("token", "wrong");
    host.start_up();
    CHECK(host.send().verdict == V::hold_auth);
    CHECK(host.subject->status().state == CollectorState::auth);
    host.file("token", "right");
    REQUIRE(host.run_until([&] { return host.subject->ready(); }));
    CHECK(host.send().verdict == V::delivered);
    server.set_token("newer");
    host.file("token", "newer\n");
    // The first may still carry the old one: the file is looked at now and then.
    Verdict last = V::hold_auth;
    for (int i = 0; i < 100 && last != V::delivered; ++i) {
      REQUIRE(host.run_until([&] { return host.subject->ready(); }));
      last = host.send().verdict;
    }
    CHECK(last == V::delivered);
  }

  TEST_CASE("who refused the old token is asked at once with the new one, however long it would have waited") {
    Host host;
    TestCollectorOptions served;
    served.token = "right";
    host.serve(served);
    host.options.token_file = host.file("token", "wrong");
    host.options.backoff = {1h, 1h};
    host.start_up();
    CHECK(host.send().verdict == V::hold_auth);
    host.file("token", "right!");
    host.file("token", "right");  // of the size of the wrong one: the time of the change tells
    REQUIRE(host.run_until([&] { return host.subject->ready(); }));
    CHECK(host.send().verdict == V::delivered);
  }

  TEST_CASE("a token that changes while the old one is being asked about is asked about at once") {
    Host host;
    TestCollector& server = host.serve();
    host.options.token_file = host.file("token", "wrong");
    host.options.backoff = {20ms, 1h};
    host.start_up();
    server.misbehave({.fault = Fault::status, .times = 1, .code = 16});
    CHECK(host.send().verdict == V::hold_auth);
    server.misbehave({.fault = Fault::hang, .times = 1});
    REQUIRE(host.run_until([&] { return server.parked() == 1; }));
    server.set_token("right");
    host.file("token", "right");
    REQUIRE(host.run_until([&] { return host.subject->ready(); }));
    CHECK(host.send().verdict == V::delivered);
  }

  TEST_CASE("a token file that is none is named; what was read before stays") {
    Host host;
    host.serve();
    host.options.token_file = host.directory.at("token");
    host.start_up();  // a collector may want none
    const auto problem = [&] {
      const CollectorStatus status = host.subject->status();
      return status.problems.empty() ? std::string() : status.problems[0];
    };
    CHECK(problem().find("no such file") != std::string::npos);
    host.file("token", "");
    CHECK(host.run_until([&] { return problem().find("is empty; write the token into it") != std::string::npos; }));
    unlink(host.options.token_file.c_str());
    REQUIRE(mkdir(host.options.token_file.c_str(), 0755) == 0);
    CHECK(host.run_until([&] { return problem().find("is a directory") != std::string::npos; }));
    rmdir(host.options.token_file.c_str());
    host.file("token", "two\nlines");
    CHECK(host.run_until([&] { return problem().find("what a header cannot carry") != std::string::npos; }));
    host.file("token", "good");
    CHECK(host.run_until([&] { return problem().empty(); }));
    CHECK(host.send().verdict == V::delivered);
    CHECK(host.in_use().store().call_log().back().token == "good");
    unlink(host.options.token_file.c_str());
    CHECK(host.run_until([&] { return !problem().empty(); }));
    CHECK(host.send().verdict == V::delivered);
    CHECK(host.in_use().store().call_log().back().token == "good");
  }
}
