#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "base/scoped_fd.h"
#include "control/control_server.h"
#include "control/schema.h"
#include "fake_loop.h"
#include "scratch_directory.h"

using namespace sidecar;
using nlohmann::json;

namespace {

// A server in a directory of its own with a loop that is driven by the test.
struct Fixture {
  Fixture() {
    options.path = directory.at("control.sock");
    server.emplace(options, loop,
                   std::vector<Route>{{"GET", "/status", "how it is",
                                       [](const Request&) {
                                         return Response::ok({{"fine", true}});
                                       }},
                                      {"POST", "/echo", "what was said",
                                       [](const Request& r) {
                                         return Response::ok({{"body", r.body}, {"uid", r.uid}});
                                       }},
                                      {"GET", "/large", "much",
                                       [](const Request&) {
                                         return Response::ok({{"text", std::string(8 << 20, 'x')}});
                                       }},
                                      {"GET", "/bytes", "no UTF-8", [](const Request&) {
                                         return Response::ok({{"text", "a\xff"}});
                                       }}});
    REQUIRE(server->start());
  }
  ScopedFd connect() {
    ScopedFd client(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    options.path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return client;
  }
  // All that comes back until nothing more does.
  std::string ask(int client, std::string text) {
    std::string answer;
    char buffer[65536];
    while (true) {
      if (!text.empty()) {
        const ssize_t sent = send(client, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent > 0)
          text.erase(0, static_cast<std::size_t>(sent));
        else if (errno != EAGAIN)
          text.clear();
      }
      loop.run_until_idle();
      const ssize_t count = recv(client, buffer, sizeof buffer, 0);
      if (count > 0)
        answer.append(buffer, static_cast<std::size_t>(count));
      else if (text.empty())
        return answer;
    }
  }
  std::string ask(const std::string& text) {
    const ScopedFd client = connect();
    return ask(client.get(), text);
  }
  std::string get(const std::string& path) { return ask("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"); }

  const ScratchDirectory directory;
  ControlOptions options;
  FakeLoop loop;
  std::optional<ControlServer> server;
};

int status_of(const std::string& answer) { return answer.size() > 12 ? std::atoi(answer.c_str() + 9) : 0; }

json body_of(const std::string& answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  REQUIRE(end != std::string::npos);
  return json::parse(answer.substr(end + 4));
}

const std::vector<Route>& routes() {
  static const std::vector<Route> list = {{"GET", "/a", "",
                                           [](const Request&) {
                                             return Response::ok({{"route", "closed"}});
                                           }},
                                          {"GET", "/open", "",
                                           [](const Request&) {
                                             return Response::ok({{"route", "open"}});
                                           },
                                           true}};
  return list;
}

unsigned status_for(const char* method, const char* path, uid_t uid) {
  std::string allow;
  return answer(routes(), {method, path, "", uid}, 1000, allow).status;
}

}  // namespace

TEST_SUITE("control/route") {
  TEST_CASE("root and the own user are answered, others only by open routes") {
    CHECK(status_for("GET", "/a", 0) == 200);
    CHECK(status_for("GET", "/a", 1000) == 200);
    CHECK(status_for("GET", "/a", 1001) == 403);
    CHECK(status_for("GET", "/open", 1001) == 200);
    // Others do not learn which paths there are.
    CHECK(status_for("GET", "/none", 1001) == 403);
    CHECK(status_for("POST", "/a", 1001) == 403);
    CHECK(status_for("GET", "/", 1001) == 403);
    std::string allow;
    const Response refused = answer(routes(), {"POST", "/open", "", 1001}, 1000, allow);
    CHECK(refused.body["error"] == "only root and user 1000 may ask this, not user 1001; use sudo");
    CHECK(allow.empty());
  }

  TEST_CASE("an unknown path is 404, a known one with another method 405") {
    CHECK(status_for("GET", "/none", 0) == 404);
    CHECK(status_for("GET", "/a/", 0) == 404);
    CHECK(status_for("POST", "/a", 0) == 405);
    CHECK(status_for("GET", "/", 0) == 200);
  }
}

TEST_SUITE("control/control_server") {
  TEST_CASE("a route's answer comes as JSON with its schema") {
    Fixture f;
    const std::string answer = f.get("/status");
    CHECK(answer.starts_with("HTTP/1.1 200 "));
    CHECK(answer.find("Content-Type: application/json") != std::string::npos);
    CHECK(body_of(answer) == json{{"fine", true}, {"schema", kControlSchema}});
    CHECK(body_of(f.get("/"))["routes"].size() == 4);
    CHECK(body_of(f.get("/status?x=1"))["fine"] == true);
  }

  TEST_CASE("body and peer reach the handler") {
    Fixture f;
    const json body = body_of(f.ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"));
    CHECK(body["body"] == "hello");
    CHECK(body["uid"] == getuid());
  }

  TEST_CASE("errors are JSON with a sentence") {
    Fixture f;
    CHECK(status_of(f.get("/none")) == 404);
    CHECK(body_of(f.get("/none"))["error"] == "no such path; GET / lists them all");
    const std::string wrong = f.ask("DELETE /status HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(status_of(wrong) == 405);
    CHECK(wrong.find("Allow: GET\r\n") != std::string::npos);
    CHECK(body_of(wrong)["schema"] == kControlSchema);
  }

  TEST_CASE("a body above the limit is 413, announced or not") {
    Fixture f;
    CHECK(status_of(f.ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")) == 413);
    const std::string most(kMaxControlBody, 'y');
    CHECK(body_of(f.ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(most.size()) +
                        "\r\n\r\n" + most))["body"] == most);
    CHECK(status_of(f.ask("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n" +
                          std::string(0x20000, 'z') + "\r\n0\r\n\r\n")) == 413);
    // Without an end it is cut.
    CHECK(status_of(f.ask("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n400000\r\n" +
                          std::string(0x400000, 'z'))) != 200);
    CHECK(status_of(f.get("/status")) == 200);
  }

  TEST_CASE("headers above the limit, garbage and half requests harm nobody") {
    Fixture f;
    const int status =
        status_of(f.ask("GET /status HTTP/1.1\r\nHost: x\r\nX: " + std::string(100'000, 'h') + "\r\n\r\n"));
    CHECK((status >= 400 || status == 0));
    f.ask(std::string(10'000, '\0'));
    f.ask("\x16\x03\x01\x02");
    const ScopedFd half = f.connect();
    CHECK(f.ask(half.get(), "GET /sta").empty());
    CHECK(status_of(f.get("/status")) == 200);
    CHECK(status_of(f.ask(half.get(), "tus HTTP/1.1\r\nHost: x\r\n\r\n")) == 200);
  }

  TEST_CASE("a large answer arrives whole, and text that is not UTF-8 is mended") {
    Fixture f;
    CHECK(body_of(f.get("/large"))["text"].get_ref<const std::string&>().size() == 8u << 20);
    CHECK(body_of(f.get("/bytes"))["text"] == "a\xef\xbf\xbd");
  }

  TEST_CASE("connections above the limit wait and are served when others leave") {
    Fixture f;
    std::vector<ScopedFd> clients;
    for (unsigned i = 0; i < ControlServer::kMaxConnections; ++i) {
      clients.push_back(f.connect());
      f.loop.run_until_idle();
    }
    const ScopedFd late = f.connect();
    CHECK(f.ask(late.get(), "GET /status HTTP/1.1\r\nHost: x\r\n\r\n").empty());
    clients.clear();
    f.loop.run_until_idle();
    CHECK(status_of(f.ask(late.get(), "")) == 200);
  }

  TEST_CASE("an idle server has no timer") {
    Fixture f;
    f.loop.run_until_idle();
    CHECK(f.loop.next_due() == Tick::max());
    CHECK(status_of(f.get("/status")) == 200);
    f.loop.run_until_idle();
    f.loop.advance(std::chrono::milliseconds(1));
    f.loop.run_until_idle();
    CHECK(f.loop.next_due() == Tick::max());
  }

  TEST_CASE("a second server on the same path is refused and the first goes on") {
    Fixture f;
    ControlServer second(f.options, f.loop, {});
    const auto started = second.start();
    REQUIRE_FALSE(started);
    CHECK(started.error().code == Errc::busy);
    CHECK(started.error().message.starts_with("control socket: "));
    CHECK(status_of(f.get("/status")) == 200);
  }

  TEST_CASE("the socket has its mode, and goes with the server, also under a client's request") {
    Fixture f;
    struct stat found {};
    REQUIRE(stat(f.options.path.c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0600);
    const ScopedFd half = f.connect();
    f.ask(half.get(), "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe");
    f.server.reset();
    CHECK(stat(f.options.path.c_str(), &found) != 0);
  }

  TEST_CASE("a socket that was handed over is served, and goes on listening when the server has ended") {
    Fixture f;
    f.server.reset();
    const ScopedFd opener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    f.options.path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(bind(opener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(opener.get(), 4) == 0);
    for (int i = 0; i < 2; ++i) {
      const ScopedFd client = f.connect();
      f.server.emplace(f.options, f.loop, std::vector<Route>{{"GET", "/status", "how it is", [](const Request&) {
                                                                return Response::ok({{"fine", true}});
                                                              }}});
      REQUIRE(f.server->start(ScopedFd(dup(opener.get()))));
      CHECK(f.ask(client.get(), "GET /status HTTP/1.0\r\n\r\n").find("\"fine\":true") != std::string::npos);
      f.server.reset();
    }
    CHECK(access(f.options.path.c_str(), F_OK) == 0);
    REQUIRE_FALSE(ControlServer(f.options, f.loop, {}).start(ScopedFd(socket(AF_UNIX, SOCK_SEQPACKET, 0))));
  }
}
