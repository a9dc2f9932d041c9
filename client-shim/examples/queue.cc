// A producer and two consumers of a queue: one by one, and in batches. The headers are properties of the message.

#include <sidecar/shim.h>

#include <iostream>
#include <map>
#include <string>
#include <vector>

struct Message {
  std::string text;
  std::map<std::string, std::string> properties;
  std::string property(std::string_view name) const {
    const auto at = properties.find(std::string(name));
    return at == properties.end() ? std::string() : at->second;
  }
};

using Queue = std::vector<Message>;

sidecar::Tracer tracer_of(const char* service) {
  sidecar::TracerOptions options;
  options.service = service;
  return sidecar::Tracer::open(options);
}

void produce(sidecar::Tracer tracer, Queue& queue, const std::string& text) {
  sidecar::Span span = tracer.exit("orders/produce", "broker:9092");
  span.layer(sidecar::SpanLayer::mq).tag("mq.broker", "broker:9092").tag("mq.queue", "orders");
  Message message{text, {}};
  span.inject([&](std::string_view name, std::string_view value) { message.properties[std::string(name)] = value; });
  queue.push_back(message);
}

void work_on(const Message&) {}

void consume(sidecar::Tracer tracer, const Queue& queue) {
  for (const Message& message : queue) {
    sidecar::Span span = tracer.entry("orders/consume", [&](std::string_view name) { return message.property(name); });
    span.layer(sidecar::SpanLayer::mq).tag("mq.queue", "orders");
    work_on(message);
  }
}

void consume_batch(sidecar::Tracer tracer, const Queue& batch) {
  sidecar::Span span = tracer.entry("orders/consume-batch");
  span.layer(sidecar::SpanLayer::mq).tag("mq.queue", "orders");
  for (const Message& message : batch)
    span.ref(sidecar::Incoming::read([&](std::string_view name) { return message.property(name); }));
  for (const Message& message : batch) work_on(message);
}

int main() {
  Queue queue;
  {
    sidecar::Tracer shop = tracer_of("shop");
    sidecar::Span request = shop.entry("POST:/orders");
    std::cout << request.trace_id() << "\n";
    produce(shop, queue, "tea");
    produce(shop, queue, "milk");
  }
  consume(tracer_of("billing"), queue);
  consume_batch(tracer_of("statistics"), queue);
}
