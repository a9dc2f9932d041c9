// Stock: what there is, in an SQLite database.

#include "service.h"
#include "traced_http.h"
#include "traced_sql.h"

namespace {

void create(shop::Database& database) {
  database.run("CREATE TABLE IF NOT EXISTS stock(item TEXT PRIMARY KEY, left INTEGER NOT NULL)");
  for (const char* item : {"tea", "coffee", "cocoa"}) {
    database.run("INSERT OR IGNORE INTO stock VALUES(?, 100000)", {std::string(item)});
  }
  database.run("INSERT OR IGNORE INTO stock VALUES(?, 0)", {std::string("unicorn")});
}

}  // namespace

int main(int argc, char** argv) {
  const shop::Options options = shop::parse_options(argc, argv, "shop-stock");
  const sigset_t signals = shop::block_end_signals();

  sidecar::TracerOptions tracing;
  tracing.service = options.service;
  sidecar::Tracer tracer = sidecar::Tracer::open(tracing);

  std::optional<shop::Database> opened;
  try {
    const sidecar::Span span = tracer.local("create database");  // its statements are one trace
    create(opened.emplace(tracer, options.database));
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "%s: %s\n", options.service.c_str(), problem.what());
    return 1;
  }
  shop::Database& database = *opened;

  httplib::Server server;
  server.Post(
      "/reserve", shop::traced(tracer, "/reserve", [&database](const auto& request, auto& response, auto& span) {
        const std::string item = request.get_param_value("item");
        const std::int64_t count = std::max(1LL, std::strtoll(request.get_param_value("count").c_str(), nullptr, 10));
        const std::string customer = span.correlation("customer");  // said by the gateway
        if (!customer.empty()) span.tag("shop.customer", customer);

        if (request.get_param_value("wrap") == "yes") {
          // the migration that makes this table was forgotten: the statement throws, the server answers 500
          database.run("INSERT INTO wrapping(item, count) VALUES(?, ?)", {item, count});
        }
        if (!database.run("UPDATE stock SET left = left - ? WHERE item = ? AND left >= ? RETURNING left",
                          {count, item, count})) {
          // expected now and then, so an answer and not an exception; the trace says why
          const auto left = database.run("SELECT left FROM stock WHERE item = ?", {item});
          const std::string why =
              left ? "only " + std::to_string(*left) + " of " + item + " left" : "no such item: " + item;
          span.error("out of stock", why);
          response.status = 409;
          response.set_content(why + "\n", "text/plain");
          return;
        }
        response.set_content("reserved\n", "text/plain");
      }));
  return shop::serve(server, options, tracer, signals);
}
