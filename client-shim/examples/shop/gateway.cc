// The gateway: takes orders from the world, checks them and passes them on.

#include "service.h"
#include "traced_http.h"

int main(int argc, char** argv) {
  const shop::Options options = shop::parse_options(argc, argv, "shop-gateway");
  if (options.upstream.empty()) shop::usage(argv[0], "--upstream HOST:PORT is needed: where orders is");
  const sigset_t signals = shop::block_end_signals();

  sidecar::TracerOptions tracing;
  tracing.service = options.service;
  sidecar::Tracer tracer = sidecar::Tracer::open(tracing);
  shop::HttpClient orders(tracer, options.upstream);

  httplib::Server server;
  server.Post("/orders", shop::traced(tracer, "/orders", [&orders](const auto& request, auto& response, auto& span) {
                response.set_header("X-Trace-Id",
                                    std::string(span.trace_id()));  // a customer who complains can name it
                const std::string item = request.get_param_value("item");
                const std::string customer = request.get_param_value("customer");
                if (item.empty()) {
                  span.log({{"event", "refused"}, {"message", "an order without an item"}});
                  response.status = 400;
                  response.set_content("which item?\n", "text/plain");
                  return;
                }
                span.tag("shop.item", item);
                // travels with the trace: stock, two services further, reads it
                if (!customer.empty()) span.correlation("customer", customer);

                const shop::Answer answer = orders.post("/place", request.params);
                response.status = answer.status == 0 ? 502 : answer.status;
                response.set_content(answer.status == 0 ? "orders does not answer\n" : answer.body, "text/plain");
              }));
  return shop::serve(server, options, tracer, signals);
}
