#include "retrieval/store/rocksdb_database.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>

#include <vector>

#include "base/log.h"
#include "retrieval/store/document_store.h"

namespace quire::retrieval {
namespace {

constexpr std::size_t kBlockCacheBytes = std::size_t{64} << 20;
// All memtables together.
constexpr std::size_t kWriteBufferBytes = std::size_t{128} << 20;
constexpr std::uint64_t kMaxWalBytes = std::uint64_t{512} << 20;

constexpr std::array<const char*, kNumTables> kTableNames = {
    "default", "collections", "states", "documents", "versions", "texts", "chunks", "embeddings"};

rocksdb::DBOptions DatabaseOptions() {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.paranoid_checks = true;
  // The default mode drops all that follows a damaged record of the log, acknowledged or not, and
  // says nothing. This one refuses to open, and only forgives an unfinished record at the end.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.track_and_verify_wals_in_manifest = true;
  options.db_write_buffer_size = kWriteBufferBytes;
  options.max_total_wal_size = kMaxWalBytes;
  options.max_open_files = 1024;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.keep_log_file_num = 4;
  options.allow_data_in_errors = false;  // ids and texts stay out of logs
  return options;
}

rocksdb::ColumnFamilyOptions TableOptions(Table table, std::shared_ptr<rocksdb::Cache> cache) {
  rocksdb::ColumnFamilyOptions options;
  // Vectors do not compress.
  options.compression = table == Table::kEmbeddings ? rocksdb::CompressionType::kNoCompression
                                                    : rocksdb::CompressionType::kLZ4Compression;
  options.paranoid_file_checks = true;
  rocksdb::BlockBasedTableOptions table_options;
  table_options.block_cache = std::move(cache);
  table_options.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table_options.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table_options));
  return options;
}

}  // namespace

Status FromRocksDb(const rocksdb::Status& status) {
  if (status.ok()) return OkStatus();
  const std::string message = "store: " + status.ToString();
  if (status.IsNotFound()) return NotFound("{}", message);
  if (status.IsNoSpace()) return DiskFull(message);
  if (status.IsCorruption()) return DataLoss("{}", message);
  if (status.IsInvalidArgument() || status.IsNotSupported()) {
    return FailedPrecondition("{}", message);
  }
  if (status.IsBusy() || status.IsTryAgain() || status.IsTimedOut() ||
      status.IsShutdownInProgress()) {
    return Unavailable("{}", message);
  }
  return Internal("{}", message);
}

StatusOr<std::unique_ptr<RocksDbDatabase>> RocksDbDatabase::Open(const std::string& path) {
  const auto cache = rocksdb::NewLRUCache(kBlockCacheBytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (int i = 0; i < kNumTables; ++i) {
    descriptors.emplace_back(kTableNames[static_cast<std::size_t>(i)],
                             TableOptions(static_cast<Table>(i), cache));
  }
  std::unique_ptr<RocksDbDatabase> database(new RocksDbDatabase());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const Status opened =
      FromRocksDb(rocksdb::DB::Open(DatabaseOptions(), path, descriptors, &handles, &db));
  QUIRE_RETURN_IF_ERROR(Annotate(opened, path));
  database->db_.reset(db);
  std::copy(handles.begin(), handles.end(), database->handles_.begin());
  return database;
}

RocksDbDatabase::~RocksDbDatabase() {
  if (db_ == nullptr) return;
  // Only to open sooner next time: what was committed is in the log.
  const Status flushed =
      FromRocksDb(db_->Flush(rocksdb::FlushOptions(), {handles_.begin(), handles_.end()}));
  if (!flushed.ok()) log::Warn("{}", Message(flushed));
  for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  const Status closed = FromRocksDb(db_->Close());
  if (!closed.ok()) log::Warn("{}", Message(closed));
}

StatusOr<std::string> RocksDbDatabase::Get(const rocksdb::ReadOptions& options, Table table,
                                           std::string_view key) const {
  std::string value;
  QUIRE_RETURN_IF_ERROR(FromRocksDb(db_->Get(options, handle(table), ToSlice(key), &value)));
  return value;
}

}  // namespace quire::retrieval
