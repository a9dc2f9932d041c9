// What a collector of generation v2 decides, without a server around it.

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "distortion.h"
#include "id_row.h"
#include "v2_registry.h"
#include "v2_segment.h"
#include "v2_segments.h"

using namespace sidecar;
using namespace sidecar::wire::v2;

namespace {

constexpr Generation kAll[] = {Generation::oap_6_0, Generation::oap_6_6, Generation::oap_7_0};

ServiceInstance instance(int service, const std::string& uuid, const std::string& pid = "",
                         const std::string& host = "") {
  ServiceInstance made;
  made.set_service_id(service);
  made.set_instance_uuid(uuid);
  for (const auto& [key, value] : {std::pair("process_no", pid), std::pair("host_name", host)}) {
    if (value.empty()) continue;
    auto& property = *made.add_properties();
    property.set_key(key);
    property.set_value(value);
  }
  return made;
}

// Two services with an instance each, an address and an endpoint of the first, all told.
struct Known {
  explicit Known(Generation generation)
      : registry(rules_of(generation), 1), segments(rules_of(generation), registry, store) {
    registry.make_instance("front", "f");
    registry.make_instance("back", "b");
    for (int i = 0; i < 4; ++i) registry.ask_address("h:1");
    registry.make_endpoint(2, "/front", SERVER);
  }
  // "stored", a reason, or "waits".
  std::string take(const V2Segment& segment) {
    const std::size_t before = store.segment_count();
    const auto dropped = store.dropped();
    segments.take(segment.message());
    if (store.segment_count() > before) return "stored";
    for (const auto& [reason, count] : store.dropped())
      if (!dropped.contains(reason) || dropped.at(reason) != count) return reason;
    return "waits";
  }

  Store store;
  V2Registry registry;
  V2Segments segments;
};

struct Case {
  const char* what;
  std::function<void(V2Segment&)> change;
  const char* in_6_0;
  const char* in_6_6;
  const char* in_7_0;
};

// Changes to an entry span /back of service 3, instance 3.
const Case kCases[] = {
    {"as it is", [](auto&) {}, "stored", "stored", "stored"},
    {"unknown instance", [](auto& s) { s.segment.set_service_instance_id(99); }, "unknown instance", "unknown instance",
     "unknown instance"},
    {"unknown service", [](auto& s) { s.segment.set_service_id(99); }, "unknown service", "unknown service",
     "unknown service"},
    {"ids of nobody", [](auto& s) { s.segment.set_service_id(0), s.segment.set_service_instance_id(0); },
     "unknown instance", "unknown instance", "unknown instance"},
    {"unknown operation", [](auto& s) { s.entry->set_operation_name_id(99); }, "unknown operation", "unknown operation",
     "unknown operation"},
    {"negative operation", [](auto& s) { s.entry->set_operation_name_id(-1); }, "unknown operation",
     "unknown operation", "unknown operation"},
    {"known address as text", [](auto& s) { s.add_exit("h:1"); }, "stored", "stored", "stored"},
    {"known address as id", [](auto& s) { s.add_exit("", 2); }, "stored", "stored", "stored"},
    {"new address as text", [](auto& s) { s.add_exit("h:2"); }, "a new address as text", "stored", "stored"},
    {"unknown address as id", [](auto& s) { s.add_exit("", 99); }, "unknown address", "unknown address",
     "unknown address"},
    {"whole reference", [](auto& s) { s.add_reference(1, 2, "h:1", "/front"); }, "stored", "stored", "stored"},
    {"reference without parent instance",
     [](auto& s) { s.add_reference(1, 2, "h:1", "/front").set_parent_service_instance_id(0); },
     "a reference to an unknown instance", "a reference to an unknown instance", "a reference to an unknown instance"},
    {"reference with unknown entry instance",
     [](auto& s) { s.add_reference(1, 2, "h:1", "/front").set_entry_service_instance_id(99); },
     "a reference to an unknown instance", "a reference to an unknown instance", "a reference to an unknown instance"},
    {"reference without address", [](auto& s) { s.add_reference(1, 2, "", "/front"); }, "a reference without address",
     "a reference without address", "a reference without address"},
    {"reference without endpoints", [](auto& s) { s.add_reference(1, 2, "h:1", ""); }, "waits", "waits", "stored"},
    {"reference that says there are none",
     [](auto& s) {
       auto& ref = s.add_reference(1, 2, "h:1", "");
       ref.set_entry_endpoint_id(-1);
       ref.set_parent_endpoint_id(-1);
     },
     "stored", "stored", "stored"},
    {"reference to a new endpoint", [](auto& s) { s.add_reference(1, 2, "h:1", "/new"); }, "waits", "waits", "stored"},
    {"reference to an unknown endpoint",
     [](auto& s) { s.add_reference(1, 2, "h:1", "/front").set_parent_endpoint_id(99); },
     "a reference to an unknown endpoint", "a reference to an unknown endpoint", "a reference to an unknown endpoint"},
};

}  // namespace

TEST_SUITE("collector/id_row") {
  TEST_CASE("ids go up from 2 in the order in which names came up, and are told when asked again") {
    IdRow<std::string> row(1);
    CHECK(row.ask("a") == 0);
    CHECK(row.ask("b") == 0);
    CHECK(row.ask("b") == 3);
    CHECK(row.ask("a") == 2);
    CHECK(row.make("c") == 4);
    CHECK(row.ask("c") == 4);
    CHECK(row.find("d") == 0);
    CHECK(*row.name(3) == "b");
    CHECK(row.name(5) == nullptr);
  }

  TEST_CASE("a name is asked for in vain as often as was said") {
    for (const unsigned empty : {0u, 1u, 2u, 5u}) {
      IdRow<int> row(empty);
      for (unsigned i = 0; i < empty; ++i) CHECK(row.ask(7) == 0);
      CHECK(row.ask(7) == 2);
    }
  }

  TEST_CASE("a row that was cleared begins at 2 again") {
    IdRow<std::string> row(0);
    row.make("a");
    row.clear();
    CHECK(row.find("a") == 0);
    CHECK(row.name(2) == nullptr);
    CHECK(row.make("b") == 2);
  }

  TEST_CASE("a row that is full gives no more ids") {
    IdRow<int> row(0);
    for (std::size_t i = 0; i < IdRow<int>::kMaxNames; ++i) row.make(static_cast<int>(i));
    CHECK(row.ask(-1) == 0);
    CHECK(row.make(-1) == 0);
    CHECK(row.ask(0) == 2);
  }
}

TEST_SUITE("collector/v2_registry") {
  TEST_CASE("services and addresses share a row, addresses have one of their own as well") {
    V2Registry registry(rules_of(Generation::oap_7_0), 1);
    CHECK(registry.ask_service("a") == 0);
    for (int i = 0; i < 3; ++i) CHECK(registry.ask_address("h:1") == 0);
    CHECK(registry.ask_address("h:1") == 2);
    CHECK(registry.ask_service("b") == 0);
    CHECK(registry.ask_service("a") == 2);
    CHECK(registry.ask_service("b") == 4);
    CHECK(*registry.service(3) == "h:1");
    CHECK(*registry.service(1) == "User");
    CHECK(registry.instance(2)->uuid == "h:1");
  }

  TEST_CASE("what a full row does not take has no id, and nothing is known under 0") {
    V2Registry registry(rules_of(Generation::oap_7_0), 0);
    for (std::size_t i = 0; i < IdRow<std::string>::kMaxNames; ++i) registry.ask_service(std::to_string(i));
    CHECK(registry.ask_service("more") == 0);
    CHECK(registry.ask_address("h:1") == 2);  // of its own row
    CHECK(registry.make_instance("more", "u").first == 0);
    CHECK(registry.service(0) == nullptr);
    CHECK(registry.instance(0) == nullptr);
  }

  TEST_CASE("an instance is of a service that is known, but for NAME: in 7.0") {
    for (const Generation generation : kAll) {
      V2Registry registry(rules_of(generation), 1);
      CHECK_FALSE(registry.ask_instance(instance(4711, "u")).has_value());
      CHECK_FALSE(registry.ask_instance(instance(0, "u")).has_value());
      CHECK(registry.ask_instance(instance(4711, "NAME:u")).has_value() == (generation == Generation::oap_7_0));
    }
  }

  TEST_CASE("the same UUID of another service is another instance") {
    V2Registry registry(rules_of(Generation::oap_6_6), 0);
    registry.ask_service("a");
    registry.ask_service("b");
    CHECK(registry.ask_instance(instance(2, "u")) == 2);
    CHECK(registry.ask_instance(instance(3, "u")) == 3);
    CHECK(registry.ask_instance(instance(2, "u")) == 2);
  }

  TEST_CASE("an instance is shown by pid and host, in 7.0 by the name it gave itself") {
    V2Registry old(rules_of(Generation::oap_6_6), 0), recent(rules_of(Generation::oap_7_0), 0);
    for (V2Registry* registry : {&old, &recent}) {
      registry->ask_service("a");
      registry->ask_instance(instance(2, "u", "41", "h"));
      registry->ask_instance(instance(2, "v"));
      registry->ask_instance(instance(2, "NAME:me", "41", "h"));
      CHECK(registry->instance(2)->name == "a-pid:41@h");
      CHECK(registry->instance(3)->name == "a");
    }
    CHECK(old.instance(4)->name == "a-pid:41@h");
    CHECK(recent.instance(4)->name == "me");
  }

  TEST_CASE("endpoints of clients and proxies are answered by 6.0 alone") {
    for (const Generation generation : kAll)
      for (const DetectPoint side : {CLIENT, SERVER, PROXY}) {
        V2Registry registry(rules_of(generation), 1);
        CHECK(registry.ask_endpoint(888, "/a", side) == 0);
        for (int i = 0; i < 10; ++i)
          CHECK(registry.ask_endpoint(888, "/a", side) ==
                (side == SERVER || generation == Generation::oap_6_0 ? 2 : 0));
      }
  }
}

TEST_SUITE("collector/v2_segments") {
  TEST_CASE("what becomes of a segment") {
    for (const Case& row : kCases) {
      CAPTURE(row.what);
      const char* expected[] = {row.in_6_0, row.in_6_6, row.in_7_0};
      for (int i = 0; i < 3; ++i) {
        CAPTURE(i);
        Known known(kAll[i]);
        V2Segment segment(7, 3, 3, "/back");
        row.change(segment);
        CHECK(known.take(segment) == expected[i]);
      }
    }
  }

  TEST_CASE("bytes that are no segment are dropped, and the next segment is not disturbed") {
    for (const Generation generation : kAll) {
      Known known(generation);
      UpstreamSegment garbage;
      garbage.set_segment("\xff\xff\xff");
      known.segments.take(garbage);
      CHECK(known.store.dropped() == std::map<std::string, unsigned>{{"no segment", 1}});
      CHECK(known.take(V2Segment(7, 3, 3, "/back")) == "stored");
    }
  }

  TEST_CASE("a segment waits for the endpoint of its parent until the parent brings it") {
    Known known(Generation::oap_6_6);
    V2Segment child(8, 3, 3, "/back");
    child.add_reference(7, 2, "h:1", "/late");
    CHECK(known.take(child) == "waits");
    CHECK(known.take(V2Segment(7, 2, 2, "/late")) == "stored");
    CHECK(known.store.segment_ids() == std::vector<std::string>{"1.2.7", "1.2.8"});
  }

  TEST_CASE("the user takes a number once, when a segment from outside goes on") {
    for (const Generation generation : kAll) {
      Known known(generation);
      CHECK(known.take(V2Segment(7, 2, 2, "/front")) == "stored");
      CHECK(known.registry.service(5) == nullptr);
      for (const int number : {8, 9}) {
        V2Segment goes_on(number, 2, 2, "/front");
        goes_on.add_exit("h:1");
        CHECK(known.take(goes_on) == "stored");
      }
      CHECK(*known.registry.service(5) == "User");
      CHECK(known.registry.service(6) == nullptr);
    }
  }

  TEST_CASE("no more than so many wait") {
    Known known(Generation::oap_6_6);
    V2Segment child(8, 3, 3, "/back");
    child.add_reference(7, 2, "h:1", "/late");
    for (std::size_t i = 0; i < V2Segments::kMaxWaiting; ++i) CHECK(known.take(child) == "waits");
    CHECK(known.take(child) == "an endpoint of its parent is not registered");
  }

  TEST_CASE("what is stored has names, whether names or ids came") {
    Known known(Generation::oap_7_0);
    V2Segment by_name(7, 3, 3, "/front"), by_id(7, 3, 3, "");
    by_id.entry->set_operation_name_id(2);
    for (V2Segment* segment : {&by_name, &by_id}) {
      auto& ref = segment->add_reference(6, 2, "h:1", "/front");
      if (segment == &by_id) {
        ref.set_network_address("");
        ref.set_network_address_id(2);
        ref.set_entry_endpoint_id(2);
        ref.set_parent_endpoint_id(2);
        segment->add_exit("", 2);
      } else {
        segment->add_exit("h:1");
      }
      CHECK(known.take(*segment) == "stored");
    }
    const auto stored = known.store.segments();
    CHECK(stored[0].DebugString() == stored[1].DebugString());
    CHECK(stored[0].trace_id() == "1.2.7");
    CHECK(stored[0].service() == "back");
    CHECK(stored[0].spans(0).refs(0).trace_id() == "1.2.7");
    CHECK(stored[0].spans(0).refs(0).parent_service() == "front");
    CHECK(stored[0].spans(0).refs(0).parent_endpoint() == "/front");
    CHECK(stored[0].spans(0).refs(0).network_address_used_at_peer() == "h:1");
    CHECK(stored[0].spans(1).peer() == "h:1");
  }
}

TEST_SUITE("collector/distortion") {
  TEST_CASE("an answer is turned round, doubled, or given to somebody else") {
    ServiceRegisterMapping answer;
    for (const auto& [name, id] : {std::pair("a", 2), std::pair("b", 3)}) {
      auto& pair = *answer.add_services();
      pair.set_key(name);
      pair.set_value(id);
    }
    const auto distorted = [&](Fault fault, const std::string& value) {
      ServiceRegisterMapping made;
      CHECK(made.ParseFromString(distorted_pairs(answer.SerializeAsString(), {.fault = fault, .value = value})));
      std::string text;
      for (const auto& pair : made.services()) text += pair.key() + "=" + std::to_string(pair.value()) + " ";
      return text;
    };
    CHECK(distorted(Fault::reversed, "") == "b=3 a=2 ");
    CHECK(distorted(Fault::twice, "") == "a=2 b=3 a=2 b=3 ");
    CHECK(distorted(Fault::other_name, "x") == "x=2 x=3 ");
    CHECK(distorted(Fault::other_id, "-7") == "a=-7 b=-7 ");
    CHECK(distorted_pairs("\xff", {.fault = Fault::twice}) == "\xff");
  }

  TEST_CASE("the id of another must be a number") {
    CHECK_FALSE(parse_misbehaviour({{"fault", "other_id"}}).has_value());
    CHECK_FALSE(parse_misbehaviour({{"fault", "other_id"}, {"value", "many"}}).has_value());
    CHECK(parse_misbehaviour({{"fault", "other_id"}, {"value", "-7"}})->value == "-7");
  }
}
