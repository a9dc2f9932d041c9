// The test collector as 6.0, 6.6 and 7.0, over gRPC: what tests of a client of generation v2 build on.

#include <doctest/doctest.h>
#include <httplib.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>

#include "http_door.h"
#include "raw_client.h"
#include "test_collector.h"
#include "v2/ping.pb.h"
#include "v2_segment.h"

using namespace sidecar;
using namespace sidecar::wire::v2;
using namespace std::chrono_literals;

namespace {

constexpr Generation kAll[] = {Generation::oap_6_0, Generation::oap_6_6, Generation::oap_7_0};
constexpr char kService[] = "/Register/doServiceRegister";
constexpr char kInstance[] = "/Register/doServiceInstanceRegister";
constexpr char kEndpoint[] = "/Register/doEndpointRegister";
constexpr char kAddress[] = "/Register/doNetworkAddressRegister";
constexpr char kPing[] = "/ServiceInstancePing/doPing";
constexpr char kCollect[] = "/TraceSegmentReportService/collect";
constexpr char kTasks[] = "/ProfileTask/getProfileTaskCommands";

// What an agent of generation v2 calls, once each.
struct Agent {
  explicit Agent(const TestCollector& server) : client(server.address()) {}

  // 0: not yet.
  int service(const std::string& name) {
    Services request;
    request.add_services()->set_service_name(name);
    return id_in<ServiceRegisterMapping>(kService, request, [](const auto& answer) { return answer.services(); });
  }
  int instance(int service, const std::string& uuid) {
    ServiceInstances request;
    request.add_instances()->set_service_id(service);
    request.mutable_instances(0)->set_instance_uuid(uuid);
    return id_in<ServiceInstanceRegisterMapping>(kInstance, request,
                                                 [](const auto& answer) { return answer.service_instances(); });
  }
  // Whether the collector wants the agent to register again.
  bool ping(int instance) {
    ServiceInstancePingPkg request;
    request.set_service_instance_id(instance);
    CHECK(client.call(kPing, {request.SerializeAsString()}).ok());
    return client.text.find("ServiceMetadataReset") != std::string::npos;
  }
  void send(const V2Segment& segment) { CHECK(client.call(kCollect, {segment.bytes()}).ok()); }

  template <class Answer, class Request, class List>
  int id_in(const char* path, const Request& request, const List& list) {
    status = client.call(path, {request.SerializeAsString()});
    Answer answer;
    REQUIRE(answer.ParseFromString(client.text));
    return list(answer).empty() ? 0 : list(answer)[0].value();
  }

  RawClient client;
  grpc::Status status;  // of the last registration
};

// Registers service and instance to the end.
std::pair<int, int> registered(Agent& agent, const std::string& service, const std::string& uuid) {
  agent.service(service);
  const int id = agent.service(service);
  agent.instance(id, uuid);
  return {id, agent.instance(id, uuid)};
}

}  // namespace

TEST_SUITE("collector/v2") {
  TEST_CASE("the first answers are empty, then the ids are the same for ever") {
    for (const Generation generation : kAll) {
      TestCollector server({.generation = generation, .empty_answers = 2});
      Agent agent(server);
      CHECK(agent.service("front") == 0);
      CHECK(agent.service("front") == 0);
      for (int i = 0; i < 3; ++i) CHECK(agent.service("front") == 2);
    }
  }

  TEST_CASE("every method that a generation has not is named as not found") {
    struct {
      const char* path;
      bool in_6_0, in_6_6, in_7_0, in_v3;
    } const kMethods[] = {
        {kService, true, true, true, false},
        {kInstance, true, true, true, false},
        {kEndpoint, true, true, true, false},
        {kAddress, true, true, true, false},
        {"/Register/doServiceAndNetworkAddressMappingRegister", true, true, true, false},
        {kPing, true, true, true, false},
        {kCollect, true, true, true, true},
        {"/JVMMetricReportService/collect", true, true, true, true},
        {"/grpc.health.v1.Health/Check", true, true, true, true},
        {kTasks, false, false, true, true},
        {"/ProfileTask/collectSnapshot", false, false, true, false},
        {"/ProfileTask/reportTaskFinish", false, false, true, false},
        {"/ApplicationRegisterService/applicationCodeRegister", true, true, false, false},
        {"/InstanceDiscoveryService/heartbeat", true, true, false, false},
        {"/ServiceNameDiscoveryService/discovery", true, true, false, false},
        {"/NetworkAddressRegisterService/batchRegister", true, true, false, false},
        {"/JVMMetricsService/collect", true, true, false, false},
        {"/TraceSegmentService/collect", true, true, false, false},
        {"/TraceSegmentReportService/collectInSync", false, false, false, true},
        {"/skywalking.v3.TraceSegmentReportService/collect", false, false, false, true},
        {"/ManagementService/keepAlive", false, false, false, true},
        {"/no.such.Service/call", false, false, false, false},
    };
    for (const auto& row : kMethods) {
      CAPTURE(row.path);
      int i = 0;
      for (const bool has : {row.in_6_0, row.in_6_6, row.in_7_0, row.in_v3}) {
        TestCollector server({.generation = i < 3 ? kAll[i] : Generation::v3});
        ++i;
        const grpc::Status status = RawClient(server.address()).call(row.path, {""});
        CHECK((status.error_code() != grpc::UNIMPLEMENTED) == has);
        if (!has) CHECK(status.error_message() == std::string("Method not found: ") + (row.path + 1));
      }
    }
  }

  TEST_CASE("an unknown service of an instance and bytes that are no message are UNKNOWN, without a word") {
    for (const Generation generation : kAll) {
      TestCollector server({.generation = generation});
      Agent agent(server);
      for (const int unknown : {4711, 0, -1}) {
        CHECK(agent.instance(unknown, "u") == 0);
        CHECK(agent.status.error_code() == grpc::UNKNOWN);
        CHECK(agent.status.error_message().empty());
      }
      for (const char* path : {kService, kInstance, kEndpoint, kAddress, kPing, kCollect})
        CHECK(agent.client.call(path, {"\xff\xff\xff"}).error_code() == grpc::UNKNOWN);
    }
  }

  TEST_CASE("a ping of an unknown id is answered with a reset, but not by 6.0") {
    for (const Generation generation : kAll) {
      TestCollector server({.generation = generation});
      Agent agent(server);
      const auto [service, instance] = registered(agent, "front", "u");
      CHECK_FALSE(agent.ping(instance));
      CHECK_FALSE(agent.ping(1));
      for (const int unknown : {999, 0, -7, 2147483647})
        CHECK(agent.ping(unknown) == (generation != Generation::oap_6_0));
      CHECK(server.store().instance("front", "front").keep_alives == 1);
      CHECK(service == 2);
    }
  }

  TEST_CASE("a collector that lost its storage gives the numbers to somebody else, and files old segments there") {
    for (const Generation generation : kAll) {
      TestCollector server({.generation = generation});
      {
        Agent agent(server);
        CHECK(registered(agent, "mine", "u") == std::pair(2, 2));
        agent.send(V2Segment(1, 2, 2, "/a"));
        CHECK(server.store().segments().at(0).service() == "mine");
      }
      server.restart(true);
      CHECK(server.ids().services.empty());
      Agent agent(server);
      CHECK(agent.ping(2) == (generation != Generation::oap_6_0));
      agent.send(V2Segment(2, 2, 2, "/a"));
      CHECK(server.store().segment_count() == 0);
      CHECK(server.add_stranger("other", "v") == std::pair(2, 2));
      CHECK_FALSE(agent.ping(2));
      agent.send(V2Segment(3, 2, 2, "/a"));
      CHECK(server.store().segments().at(0).service() == "other");
      CHECK(registered(agent, "mine", "u") == std::pair(3, 3));
    }
  }

  TEST_CASE("a restart alone keeps the ids") {
    TestCollector server({.generation = Generation::oap_7_0});
    std::optional<Agent> agent(server);
    registered(*agent, "mine", "u");
    agent.reset();
    server.restart();
    agent.emplace(server);
    CHECK(agent->service("mine") == 2);
    CHECK(agent->instance(2, "u") == 2);
  }

  TEST_CASE("a collector may come back as one of another generation, which knows nothing") {
    TestCollector server({.generation = Generation::oap_6_6});
    std::optional<Agent> agent(server);
    registered(*agent, "mine", "u");
    agent.reset();
    server.restart_as(Generation::v3);
    CHECK(server.ids().services.empty());
    CHECK(RawClient(server.address()).call(kPing, {""}).error_code() == grpc::UNIMPLEMENTED);
    CHECK(RawClient(server.address()).call("/skywalking.v3.ManagementService/keepAlive", {""}).ok());
    server.restart_as(Generation::oap_7_0);
    agent.emplace(server);
    CHECK(agent->service("other") == 0);
    CHECK(agent->service("other") == 2);
  }

  TEST_CASE("answers are empty for as long as told, and go on from where they are") {
    TestCollector server({.generation = Generation::oap_7_0});
    Agent agent(server);
    server.misbehave({.fault = Fault::empty, .method = "doServiceRegister"});
    for (int i = 0; i < 5; ++i) CHECK(agent.service("front") == 0);
    server.behave();
    CHECK(agent.service("front") == 2);
  }

  TEST_CASE("a delayed answer arrives after that to a later call") {
    TestCollector server({.generation = Generation::oap_7_0, .empty_answers = 0});
    server.misbehave({.fault = Fault::hang, .method = "doServiceRegister", .times = 1});
    std::thread first([&] { CHECK(Agent(server).service("slow") == 3); });
    CHECK(server.store().wait_for([&] { return server.store().count_calls("doServiceRegister", "HANG") == 1; }));
    CHECK(Agent(server).service("quick") == 2);
    while (server.parked() == 0) std::this_thread::yield();
    server.behave();
    first.join();
  }

  TEST_CASE("an answer may be for another name, or hold an id that cannot be") {
    TestCollector server({.generation = Generation::oap_7_0, .empty_answers = 0});
    Agent agent(server);
    server.misbehave({.fault = Fault::other_id, .method = "doServiceRegister", .times = 1, .value = "-7"});
    CHECK(agent.service("front") == -7);
    CHECK(agent.service("front") == 2);
    server.misbehave({.fault = Fault::other_name, .method = "doServiceInstanceRegister", .times = 1, .value = "x"});
    agent.instance(2, "u");
    CHECK(agent.client.text.find("x") != std::string::npos);
    CHECK(agent.client.text.find("u") == std::string::npos);
  }

  TEST_CASE("a token is looked at by 7.0 alone, and never for the health") {
    for (const Generation generation : kAll) {
      TestCollector server({.token = "secret", .generation = generation});
      RawClient client(server.address());
      CHECK(client.call(kService, {""}).ok() == (generation != Generation::oap_7_0));
      CHECK(client.call(kService, {""}, "secret").ok());
      CHECK(client.call("/grpc.health.v1.Health/Check", {""}).ok());
    }
  }

  TEST_CASE("a poisoned segment fails its call") {
    TestCollector server({.generation = Generation::oap_7_0});
    Agent agent(server);
    server.add_stranger("front", "u");
    server.misbehave({.fault = Fault::poison, .key = "bad"});
    V2Segment segment(1, 2, 2, "/a");
    agent.send(segment);
    segment.entry->add_tags()->set_key("bad");
    CHECK(agent.client.call(kCollect, {segment.bytes()}).error_code() == grpc::UNKNOWN);
    CHECK(server.store().segment_count() == 1);
  }

  TEST_CASE("HTTP shows ids and what was dropped, and lets a stranger in") {
    TestCollector server({.generation = Generation::oap_6_6});
    HttpDoor door(server);
    httplib::Client http("http://" + door.address());
    const auto made = http.Post("/stranger", R"({"service":"front","uuid":"u"})", "application/json");
    REQUIRE(made);
    CHECK(nlohmann::json::parse(made->body) == nlohmann::json({{"service", 2}, {"instance", 2}}));
    CHECK(http.Post("/stranger", "{}", "application/json")->status == 400);
    Agent(server).send(V2Segment(1, 2, 2, "/a"));
    Agent(server).send(V2Segment(2, 2, 99, "/a"));
    const auto ids = nlohmann::json::parse(http.Get("/ids.json")->body);
    CHECK(ids["services"][0]["name"] == "front");
    CHECK(ids["instances"][0]["uuid"] == "u");
    CHECK(ids["endpoints"][0]["side"] == "server");
    CHECK(nlohmann::json::parse(http.Get("/dropped.json")->body)["dropped"][0]["reason"] == "unknown instance");
    CHECK(nlohmann::json::parse(http.Get("/traces.json")->body)["traces"][0]["trace_id"] == "1.2.1");
    CHECK(http.Post("/misbehave?fault=restart&generation=9", "", "text/plain")->status == 400);
    CHECK(http.Post("/misbehave?fault=restart&generation=7.0", "", "text/plain")->status == 200);
    CHECK(nlohmann::json::parse(http.Get("/ids.json")->body)["services"].empty());
  }
}
