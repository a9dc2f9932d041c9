#include "test_collector.h"

#include <doctest/doctest.h>
#include <grpcpp/grpcpp.h>
#include <httplib.h>

#include "http_door.h"
#include "raw_client.h"
#include "test_certificates.h"
#include "traces.h"

using namespace sidecar;
using namespace std::chrono_literals;

namespace {

constexpr auto kLimit = 20s;

wire::v3::SegmentObject segment(const std::string& trace, const std::string& id, const std::string& service = "shop") {
  wire::v3::SegmentObject made;
  made.set_trace_id(trace);
  made.set_trace_segment_id(id);
  made.set_service(service);
  made.set_service_instance(service + "-1");
  wire::v3::SpanObject& span = *made.add_spans();
  span.set_parent_span_id(-1);
  span.set_operation_name("/" + id);
  return made;
}

constexpr char kCollect[] = "/skywalking.v3.TraceSegmentReportService/collect";
constexpr char kSync[] = "/skywalking.v3.TraceSegmentReportService/collectInSync";
constexpr char kBareSync[] = "/TraceSegmentReportService/collectInSync";
constexpr char kPing[] = "/skywalking.v3.ManagementService/keepAlive";

// `cert` and `key`: of the client, or empty.
std::shared_ptr<grpc::ChannelCredentials> tls(const std::string& ca, const std::string& cert = "",
                                              const std::string& key = "") {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = ca;
  options.pem_cert_chain = cert;
  options.pem_private_key = key;
  return grpc::SslCredentials(options);
}

}  // namespace

TEST_SUITE("collector/test_collector") {
  TEST_CASE("a stream is stored message by message and answered at its end") {
    TestCollector server;
    RawClient client(server.address());
    CHECK(client.call(kCollect, {segment("t", "1").SerializeAsString(), segment("t", "2").SerializeAsString()}).ok());
    CHECK(client.answered);
    CHECK(server.store().segment_ids() == std::vector<std::string>{"1", "2"});
    CHECK(client.call(kCollect, {}).ok());
  }

  TEST_CASE("both spellings and the empty collection are served, the empty message of a real server is the answer") {
    TestCollector server;
    RawClient client(server.address());
    CHECK(client.call(kSync, {""}).ok());
    CHECK(client.call(kBareSync, {""}).ok());
    server.serve(false, true);
    CHECK(client.call(kSync, {""}).error_code() == grpc::UNIMPLEMENTED);
    CHECK(client.call(kBareSync, {""}).ok());
  }

  TEST_CASE("what is no message is UNKNOWN, and so is text that is not UTF-8; what came before on the stream stays") {
    TestCollector server;
    RawClient client(server.address());
    CHECK(client.call(kSync, {"\xff\xff\xff"}).error_code() == grpc::UNKNOWN);
    CHECK(client.call(kCollect, {segment("t", "1").SerializeAsString(), "\x0a\x02\xc3\x28"}).error_code() ==
          grpc::UNKNOWN);
    CHECK(server.store().segment_ids() == std::vector<std::string>{"1"});
  }

  TEST_CASE("an unknown method is named") {
    TestCollector server;
    RawClient client(server.address());
    const grpc::Status status = client.call("/skywalking.v3.Nothing/at", {""});
    CHECK(status.error_code() == grpc::UNIMPLEMENTED);
    CHECK(status.error_message() == "Method not found: skywalking.v3.Nothing/at");
  }

  TEST_CASE("a token is asked for on every call") {
    TestCollector server({.token = "secret"});
    RawClient client(server.address());
    CHECK(client.call(kPing, {""}).error_code() == grpc::PERMISSION_DENIED);
    CHECK(client.call(kPing, {""}, "other").error_code() == grpc::PERMISSION_DENIED);
    CHECK(client.call(kPing, {""}, "secret").ok());
  }

  TEST_CASE("what each call brought is remembered in order") {
    TestCollector server({.token = "secret"});
    RawClient client(server.address());
    client.call(kPing, {""}, "other");
    client.call(kPing, {""}, "secret");
    client.call("/no.such.Service/call", {""});
    const std::vector<StoredCall> calls = server.store().call_log();
    REQUIRE(calls.size() == 3);
    CHECK(calls[0].status == "PERMISSION_DENIED");
    CHECK(calls[0].token == "other");
    CHECK(calls[1].path == kPing);
    CHECK(calls[1].status == "OK");
    CHECK(calls[1].token == "secret");
    CHECK(calls[2].path == "/no.such.Service/call");
    CHECK(calls[2].status == "UNIMPLEMENTED");
    CHECK(calls[2].token.empty());
    CHECK(calls[2].peer.starts_with("ipv4:127.0.0.1:"));
  }

  TEST_CASE("with a certificate it speaks TLS alone, also after a restart") {
    TestCollector server({.tls_cert = kTestServerCert, .tls_key = kTestServerKey});
    CHECK(RawClient(server.address(), tls(kTestCa)).call(kPing, {""}).ok());
    CHECK(RawClient(server.address()).call(kPing, {""}).error_code() == grpc::UNAVAILABLE);
    CHECK(RawClient(server.address(), tls(kStrangerCert)).call(kPing, {""}).error_code() == grpc::UNAVAILABLE);
    server.restart();
    CHECK(RawClient(server.address(), tls(kTestCa)).call(kPing, {""}).ok());
    CHECK(server.store().count_calls("") == 2);
  }

  TEST_CASE("with a CA of clients it wants a certificate that this CA has signed") {
    TestCollector server({.tls_cert = kTestServerCert, .tls_key = kTestServerKey, .client_ca = kTestCa});
    const auto code = [&](const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
      return RawClient(server.address(), credentials).call(kPing, {""}).error_code();
    };
    CHECK(code(tls(kTestCa, kTestClientCert, kTestClientKey)) == grpc::OK);
    CHECK(code(tls(kTestCa)) == grpc::UNAVAILABLE);
    CHECK(code(tls(kTestCa, kStrangerCert, kStrangerKey)) == grpc::UNAVAILABLE);
    CHECK(server.store().count_calls("") == 1);
  }

  TEST_CASE("a message beyond the limit resets the stream, as a real server does") {
    TestCollector server({.max_message = 1000});
    RawClient client(server.address());
    CHECK(client.call(kSync, {std::string(2000, '\0')}).error_code() == grpc::CANCELLED);
  }

  TEST_CASE("a poisoned segment fails its whole call, and only that") {
    TestCollector server;
    server.misbehave({.fault = Fault::poison, .key = "bad", .value = "yes"});
    RawClient client(server.address());
    wire::v3::SegmentCollection both;
    *both.add_segments() = segment("t", "1");
    CHECK(client.call(kSync, {both.SerializeAsString()}).ok());
    *both.add_segments() = segment("t", "2");
    auto& tag = *both.mutable_segments(1)->mutable_spans(0)->add_tags();
    tag.set_key("bad");
    tag.set_value("yes");
    CHECK(client.call(kSync, {both.SerializeAsString()}).error_code() == grpc::UNKNOWN);
    CHECK(server.store().segment_count() == 1);
  }

  TEST_CASE("misbehaviour counts down, can keep what came, and ends") {
    TestCollector server;
    server.misbehave({.fault = Fault::status, .method = "collectInSync", .times = 2, .code = 13, .keep = true});
    RawClient client(server.address());
    wire::v3::SegmentCollection one;
    *one.add_segments() = segment("t", "1");
    CHECK(client.call(kPing, {""}).ok());
    CHECK(client.call(kSync, {one.SerializeAsString()}).error_code() == grpc::INTERNAL);
    CHECK(client.call(kSync, {one.SerializeAsString()}).error_code() == grpc::INTERNAL);
    CHECK(client.call(kSync, {one.SerializeAsString()}).ok());
    CHECK(server.store().segment_count() == 3);
    CHECK(server.store().distinct_segments() == 1);
  }

  TEST_CASE("a restart keeps the port, and the memory unless told") {
    TestCollector server;
    const std::string address = server.address();
    CHECK(RawClient(address).call(kCollect, {segment("t", "1").SerializeAsString()}).ok());
    server.restart();
    CHECK(server.address() == address);
    CHECK(server.store().segment_count() == 1);
    CHECK(RawClient(address).call(kPing, {""}).ok());
    server.restart(true);
    CHECK(server.store().segment_count() == 0);
  }

  TEST_CASE("while it is closed it refuses") {
    TestCollector server;
    server.close();
    CHECK(RawClient(server.address()).call(kPing, {""}).error_code() == grpc::UNAVAILABLE);
  }

  TEST_CASE("it can be destroyed with calls that hang") {
    auto server = std::make_unique<TestCollector>();
    server->misbehave({.fault = Fault::hang});
    std::thread caller([address = server->address()] { CHECK_FALSE(RawClient(address).call(kPing, {""}).ok()); });
    CHECK(server->store().wait_for(
        [&] { return server->parked() == 1 || server->store().count_calls("keepAlive") == 1; }));
    server.reset();
    caller.join();
  }

  TEST_CASE("HTTP shows what arrived and takes orders") {
    TestCollector server;
    HttpDoor door(server);
    REQUIRE_FALSE(door.address().empty());
    CHECK(RawClient(server.address()).call(kCollect, {segment("trace-1", "1").SerializeAsString()}).ok());
    httplib::Client http("http://" + door.address());
    const auto traces = http.Get("/traces.json");
    REQUIRE(traces);
    const auto json = nlohmann::json::parse(traces->body);
    CHECK(json["traces"][0]["trace_id"] == "trace-1");
    CHECK(json["traces"][0]["segments"][0]["spans"][0]["type"] == "Entry");
    CHECK(http.Get("/traces")->body.rfind("trace trace-1  1 span, 1 segment\n", 0) == 0);
    CHECK(nlohmann::json::parse(http.Get("/instances.json")->body)["instances"][0]["segments"] == 1);
    CHECK(nlohmann::json::parse(http.Get("/calls.json")->body)["calls"][0]["count"] == 1);
    CHECK(http.Post("/misbehave", R"({"fault":"status","code":"INTERNAL","times":1})", "application/json")->status ==
          200);
    CHECK(RawClient(server.address()).call(kPing, {""}).error_code() == grpc::INTERNAL);
    CHECK(http.Post("/misbehave?fault=hang", "", "text/plain")->status == 200);
    CHECK(http.Post("/misbehave?fault=none", "", "text/plain")->status == 200);
    CHECK(RawClient(server.address()).call(kPing, {""}).ok());
    CHECK(http.Post("/misbehave", R"({"fault":"nonsense"})", "application/json")->status == 400);
    CHECK(http.Post("/misbehave", "{", "application/json")->status == 400);
  }
}

TEST_SUITE("collector/traces") {
  TEST_CASE("spans and what refers to them make one tree, whatever the order of arrival") {
    wire::v3::SegmentObject front = segment("t", "front", "gateway"), back = segment("t", "back", "orders");
    wire::v3::SpanObject& exit = *front.add_spans();
    exit.set_span_id(1);
    exit.set_operation_name("/orders");
    exit.set_peer("127.0.0.1:80");
    exit.set_span_type(wire::v3::EXIT);
    exit.set_is_error(true);
    wire::v3::SegmentReference& ref = *back.mutable_spans(0)->add_refs();
    ref.set_parent_trace_segment_id("front");
    ref.set_parent_span_id(1);
    CHECK(traces_to_text({back, front, back}) ==
          "trace t  3 spans, 2 segments, 1 came again\n"
          "  gateway  Entry /front  0 ms\n"
          "    gateway  Exit /orders -> 127.0.0.1:80  0 ms  ERROR\n"
          "      orders  Entry /back  0 ms\n");
  }

  TEST_CASE("a circle of references is shown all the same") {
    wire::v3::SegmentObject a = segment("t", "a"), b = segment("t", "b");
    for (auto [from, to] : {std::pair(&a, "b"), std::pair(&b, "a")})
      from->mutable_spans(0)->add_refs()->set_parent_trace_segment_id(to);
    const std::string text = traces_to_text({a, b});
    CHECK(text.find("/a") != std::string::npos);
    CHECK(text.find("/b") != std::string::npos);
  }
}
