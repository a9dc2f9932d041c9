// Messages of generation v2 against bytes that upstream's own files made: numbers and types are right in both
// directions, also where our names differ.

#include <doctest/doctest.h>

#include "hex.h"
#include "v2/common.pb.h"
#include "v2/ping.pb.h"
#include "v2/register.pb.h"
#include "v2/tracing.pb.h"

using namespace sidecar;
using namespace sidecar::wire::v2;

namespace {

constexpr std::int64_t kTime = 1546300800000;

// Ours is written as upstream's, and upstream's is read as ours with nothing left over.
template <class Message>
void check_both_ways(const Message& ours, const char* upstreams) {
  const std::string bytes = from_hex(upstreams);
  CHECK(ours.SerializeAsString() == bytes);
  Message read;
  REQUIRE(read.ParseFromString(bytes));
  CHECK(read.DebugString() == ours.DebugString());
}

template <class Pair, class Value>
void set(Pair& pair, const char* key, const Value& value) {
  pair.set_key(key);
  pair.set_value(value);
}

UniqueId id(std::initializer_list<std::int64_t> parts) {
  UniqueId made;
  for (const std::int64_t part : parts) made.add_id_parts(part);
  return made;
}

SegmentObject segment() {
  SegmentObject made;
  *made.mutable_trace_segment_id() = id({2, 31, 15463008000000007});
  SpanObject& span = *made.add_spans();
  span.set_parent_span_id(-1);
  span.set_start_time(kTime);
  span.set_end_time(kTime + 10);
  span.set_operation_name("/a");
  span.set_span_type(ENTRY);
  span.set_span_layer(HTTP);
  span.set_component_id(1);
  set(*span.add_tags(), "url", "http://h/a");
  made.set_service_id(2);
  made.set_service_instance_id(2);
  return made;
}

constexpr char kSegment[] =
    "0a0c0a0a021f8780ffd7e1f0bb1b123410ffffffffffffffffff011880f8d6b5802d208af8d6b5802d3a022f61580360017a110a0375726c"
    "120a687474703a2f2f682f6118022002";

}  // namespace

TEST_SUITE("proto/v2") {
  TEST_CASE("a service is registered by name") {
    Services services;
    services.add_services()->set_service_name("demo");
    check_both_ways(services, "0a060a0464656d6f");
  }

  TEST_CASE("an instance is registered with its properties") {
    ServiceInstances instances;
    ServiceInstance& instance = *instances.add_instances();
    instance.set_service_id(2);
    instance.set_instance_uuid("u1");
    instance.set_time(kTime);
    set(*instance.add_properties(), "os_name", "Linux");
    set(*instance.add_properties(), "language", "cpp");
    check_both_ways(
        instances,
        "0a300802120275311880f8d6b5802d2a100a076f735f6e616d6512054c696e75782a0f0a086c616e67756167651203637070");
  }

  TEST_CASE("an endpoint is registered with its side") {
    Endpoints endpoints;
    Endpoint& endpoint = *endpoints.add_endpoints();
    endpoint.set_service_id(2);
    endpoint.set_endpoint_name("/a");
    endpoint.set_from(SERVER);
    check_both_ways(endpoints, "0a08080212022f612801");
  }

  TEST_CASE("a ping holds id, time and UUID") {
    ServiceInstancePingPkg ping;
    ping.set_service_instance_id(2);
    ping.set_time(kTime);
    ping.set_service_instance_uuid("u1");
    check_both_ways(ping, "08021080f8d6b5802d1a027531");
  }

  TEST_CASE("the reset is a command with a serial number") {
    Commands commands;
    Command& reset = *commands.add_commands();
    reset.set_command("ServiceMetadataReset");
    set(*reset.add_args(), "SerialNumber", "aa");
    check_both_ways(commands,
                    "0a2a0a14536572766963654d65746164617461526573657412120a0c53657269616c4e756d62657212026161");
  }

  TEST_CASE("the parts of an id are packed") {
    check_both_ways(id({2, 31, 15463008000000007}), "0a0a021f8780ffd7e1f0bb1b");
  }

  TEST_CASE("a segment holds ids for service and instance") { check_both_ways(segment(), kSegment); }

  TEST_CASE("a negative id takes ten bytes") {
    SegmentReference reference;
    reference.set_entry_endpoint_id(-1);
    check_both_ways(reference, "48ffffffffffffffffff01");
  }

  // The field tables give these; no vector of upstream's does.
  TEST_CASE("answers are pairs of name and id") {
    ServiceRegisterMapping services;
    set(*services.add_services(), "demo", 2);
    check_both_ways(services, "0a080a0464656d6f1002");
    ServiceInstanceRegisterMapping instances;
    set(*instances.add_service_instances(), "u1", 3);
    check_both_ways(instances, "0a060a0275311003");
    NetAddressMapping addresses;
    set(*addresses.add_address_ids(), "h:1", 4);
    check_both_ways(addresses, "0a070a03683a311004");
    EndpointMapping endpoints;
    EndpointMappingElement& element = *endpoints.add_elements();
    element.set_service_id(2);
    element.set_endpoint_name("/a");
    element.set_endpoint_id(5);
    element.set_from(SERVER);
    check_both_ways(endpoints, "0a0a080212022f6118052001");
  }

  TEST_CASE("a segment goes out inside its message, with the ids of its traces") {
    UpstreamSegment upstream;
    *upstream.add_global_trace_ids() = id({1, 2, 3});
    upstream.set_segment("\x18\x02");
    check_both_ways(upstream, "0a050a0301020312021802");
  }
}
