#pragma once

// Tracing for SQLite: every statement is an exit span of layer database, as the
// collector wants it to show slow statements and the database in the topology.

#include <sidecar/shim.h>
#include <sqlite3.h>

#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace shop {

using SqlValue = std::variant<std::int64_t, std::string>;

// One connection; its statements run one after the other.
class Database {
 public:
  Database(sidecar::Tracer tracer, const std::string& file) : tracer_(tracer) {
    sqlite3* opened = nullptr;
    const int result = sqlite3_open(file.c_str(), &opened);
    database_.reset(opened);
    if (result != SQLITE_OK) throw std::runtime_error("cannot open " + file + ": " + sqlite3_errmsg(opened));
  }

  // Runs one statement, '?' standing for `values`. Returns the first column of the first row as a number, if there is
  // one. Throws what SQLite says when it fails; the span then has it too.
  std::optional<std::int64_t> run(const std::string& sql, const std::vector<SqlValue>& values = {}) {
    sidecar::Span span = tracer_.exit("SQLite/" + sql.substr(0, sql.find(' ')), "sqlite:shop");
    span.layer(sidecar::SpanLayer::database);
    span.tag("db.type", "sqlite").tag("db.instance", "shop").tag("db.statement", sql);
    const std::lock_guard lock(mutex_);
    try {
      return step(prepare(sql, values).get());
    } catch (const std::runtime_error& problem) {
      span.error("sqlite", problem.what());
      throw;
    }
  }

 private:
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close(database); }
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Close>;

  void check(int result) {
    if (result != SQLITE_OK) throw std::runtime_error(sqlite3_errmsg(database_.get()));
  }

  Statement prepare(const std::string& sql, const std::vector<SqlValue>& values) {
    sqlite3_stmt* prepared = nullptr;
    check(sqlite3_prepare_v2(database_.get(), sql.c_str(), -1, &prepared, nullptr));
    Statement statement(prepared);
    int at = 0;
    for (const SqlValue& value : values) {
      ++at;
      if (const auto* number = std::get_if<std::int64_t>(&value)) {
        check(sqlite3_bind_int64(prepared, at, *number));
      } else {
        const auto& text = std::get<std::string>(value);
        check(sqlite3_bind_text(prepared, at, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT));
      }
    }
    return statement;
  }

  std::optional<std::int64_t> step(sqlite3_stmt* statement) {
    std::optional<std::int64_t> first;
    int result;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
      if (!first) first = sqlite3_column_int64(statement, 0);
    }
    check(result == SQLITE_DONE ? SQLITE_OK : result);
    return first;
  }

  sidecar::Tracer tracer_;
  std::mutex mutex_;
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace shop
