// SPDX-License-Identifier: Apache-2.0
//
// The store's file in the hands of somebody who knows SQLite's format, or of a failing disk: bytes, pages,
// header, schema, rows, and the files of the write-ahead log. Each case is a reader in a process of its own
// with little memory, so that neither a crash nor an allocation without bounds goes unseen.
#include <sys/mman.h>
#include <sys/resource.h>

#include <functional>

#include "inspection.h"
#include "log/sqlite_log.h"
#include "support/in_child.h"
#include "tamper/tally.h"
#include "tamper/warm_readers.h"

using namespace coffer;
using namespace coffer::test;

namespace {

const TrueHistory& history() {
    static const TrueHistory kHistory;
    return kHistory;
}

using Image = std::string;  // of a file

Image content(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void append_all(SqliteLog& log, const TrueHistory& of) {
    const auto rows = of.rows();
    Head head;
    for (const StoredCommit& commit : rows->commits) {
        std::vector<Bytes> payloads;
        if (commit.revision == 1) {
            for (const auto& [hash, bytes] : rows->payloads) payloads.push_back(bytes);
        }
        must(log.append(head, commit.bytes, payloads));
        head = of.head_at(commit.revision);
    }
}

// The file of a history with everything in it, and how it lay on the disk before its write-ahead log was
// brought into it.
struct Files {
    explicit Files(const TrueHistory& of) {
        TempFolder folder;
        const auto path = folder / "store.db";
        {
            auto log = must(SqliteLog::create(path));
            append_all(*log, of);
            early = content(path);
            wal = content(path.string() + "-wal");
            shm = content(path.string() + "-shm");
        }
        whole = content(path);
    }
    Image whole, early, wal, shm;
};
const Files& files() {
    static const Files kFiles(history());
    return kFiles;
}

// What a case may come to, besides the truth of one revision.
enum class Saw : int { nothing_wrong = 0, refused = 1, alarm = 2, payload = 3, wrong = 4 };
constexpr const char* kSawText[] = {"harmless", "refused", "believed to a point with an alarm",
                                    "believed with payloads refused", "WRONG"};

bool is_reason(const Error& error) {
    return error.code == Code::tampered || error.code == Code::unavailable;
}

struct Sight {
    Saw saw = Saw::wrong;
    std::string what;
};

// All readers of a store look at the file.
Sight look(const std::filesystem::path& path) {
    auto log = SqliteLog::open_read_only(path);
    if (!log)
        return is_reason(log.error()) ? Sight{Saw::refused, {}} : Sight{Saw::wrong, log.error().message};
    Sight sight{Saw::nothing_wrong, {}};
    {
        StoreOptions options;
        options.pin = history().pin();
        auto reader = VerifiedStore::open(std::move(*log), options);
        if (!reader) {
            if (!is_reason(reader.error())) return {Saw::wrong, "open: " + reader.error().message};
            sight.saw = Saw::refused;
        } else {
            const auto& believed = reader->view().head();
            if (believed.revision > history().last()) return {Saw::wrong, "more than there is"};
            const PayloadDamage any{{}, true};
            auto what = difference(*reader, history(), believed.revision, Depth::live, any);
            if (!what.empty()) return {Saw::wrong, what};
            if (!reader->alarm() && !difference(*reader, history(), believed.revision, Depth::live).empty())
                sight.saw = Saw::payload;
            if (reader->alarm() || believed.revision < history().last()) sight.saw = Saw::alarm;
        }
    }
    log = SqliteLog::open_read_only(path);
    if (!log) return is_reason(log.error()) ? sight : Sight{Saw::wrong, log.error().message};
    StoreOptions options;
    options.pin = history().pin();
    options.seed = Watermark{history().pin(), history().head_at(history().last())};
    auto knower = VerifiedStore::open(std::move(*log), options);
    if (!knower && !is_reason(knower.error()))
        return {Saw::wrong, "who knows the head: " + knower.error().message};
    if (knower && knower->view().head() != history().head_at(history().last()))
        return {Saw::wrong, "who knows the head takes an older one"};
    log = SqliteLog::open_read_only(path);
    if (!log) return sight;
    auto inspected = inspect(**log, history().pin());
    if (!inspected && !is_reason(inspected.error()))
        return {Saw::wrong, "verify: " + inspected.error().message};
    if (inspected && inspected->clean() && inspected->good == history().head_at(history().last()) &&
        sight.saw != Saw::nothing_wrong)
        return {Saw::wrong, "verify finds nothing"};
    return sight;
}

// The readers run in children, many cases to each; `spoil` writes case number `i` into the folder.
class FileCases {
  public:
    FileCases(std::string kind, std::uint64_t quick, std::uint64_t slow = 1)
        : tally_(std::move(kind), quick, slow) {
        shared_ = static_cast<Shared*>(
            mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
        REQUIRE(shared_ != MAP_FAILED);
    }
    ~FileCases() { munmap(shared_, sizeof(Shared)); }
    FileCases(const FileCases&) = delete;
    FileCases& operator=(const FileCases&) = delete;

    using Spoil = std::function<void(const std::filesystem::path&, std::size_t)>;
    void run(std::size_t cases, const Spoil& spoil) {
        std::vector<std::size_t> chosen;
        for (std::size_t i = 0; i < cases; ++i) {
            if (tally_.takes()) chosen.push_back(i);
        }
        (void)files();  // made once, not in each child
        constexpr std::size_t kBatch = 50;
        for (std::size_t at = 0; at < chosen.size(); at += kBatch) {
            const std::size_t end = std::min(at + kBatch, chosen.size());
            *shared_ = {};
            const int status = in_child([&] { return batch(chosen, at, end, spoil); });
            INFO("case " << shared_->now << " of " << cases << ": " << shared_->what);
            REQUIRE(status == 0);
            for (int saw = 0; saw < 4; ++saw)
                if (shared_->count[saw]) tally_.count(kSawText[saw], shared_->count[saw]);
            largest_ = std::max(largest_, shared_->memory);
        }
    }
    // Of the readers' processes, in KiB.
    [[nodiscard]] long largest_memory() const { return largest_; }

  private:
    struct Shared {
        std::size_t now = 0;
        long memory = 0;
        std::uint64_t count[5] = {};
        char what[400] = {};
    };

    int batch(const std::vector<std::size_t>& chosen, std::size_t at, std::size_t end, const Spoil& spoil) {
        alarm(120);  // a reader that goes on for ever ends as a crash does
#if !defined(__SANITIZE_ADDRESS__) && !defined(COFFER_NO_MLOCK)
        const rlimit bound{1u << 30, 1u << 30};
        setrlimit(RLIMIT_AS, &bound);
#endif
        try {
            TempFolder folder;
            for (std::size_t i = at; i < end; ++i) {
                shared_->now = chosen[i];
                const auto path = folder / "store.db";
                for (const char* suffix : {"", "-wal", "-shm"})
                    std::filesystem::remove(path.string() + suffix);
                spoil(path, chosen[i]);
                std::filesystem::permissions(path, std::filesystem::perms(0640));
                const Sight sight = look(path);
                ++shared_->count[static_cast<int>(sight.saw)];
                sight.what.copy(shared_->what, sizeof shared_->what - 1);
                if (sight.saw == Saw::wrong) return 1;
            }
        } catch (const std::exception& thrown) {
            std::string(thrown.what()).copy(shared_->what, sizeof shared_->what - 1);
            return 2;
        } catch (...) {
            return 3;
        }
        rusage used{};
        getrusage(RUSAGE_SELF, &used);
        shared_->memory = used.ru_maxrss;
        return 0;
    }

    Tally tally_;
    Shared* shared_;
    long largest_ = 0;
};

void write(const std::filesystem::path& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

}  // namespace

TEST_CASE("a byte changed anywhere in the file shows nobody anything but the truth") {
    FileCases cases("bytes of the store's file changed", 120, 10);
    const Image& whole = files().whole;
    cases.run(whole.size(), [&](const auto& path, std::size_t i) {
        Image image = whole;
        image[i] = static_cast<char>(image[i] ^ (1 << i % 8));
        write(path, image);
    });
}

TEST_CASE("every byte of the header and of the page with the schema, set to what is least expected") {
    FileCases cases("bytes of the header and schema set to 0, 1, 127 and 255", 120, 10);
    const Image& whole = files().whole;
    cases.run(std::size_t{4} * 4096, [&](const auto& path, std::size_t i) {
        Image image = whole;
        constexpr unsigned char kBytes[] = {0, 1, 127, 255};
        image[i / 4] = static_cast<char>(kBytes[i % 4]);
        write(path, image);
    });
}

TEST_CASE(
    "pages that are exchanged, doubled, zeroed, filled with noise or cut off show nothing but the truth") {
    FileCases cases("pages exchanged, doubled, zeroed, filled and cut off", 4);
    const Image& whole = files().whole;
    const std::size_t pages = whole.size() / 4096;
    std::mt19937_64 random(seed());
    INFO("COFFER_TEST_SEED=" << seed());
    cases.run(pages * pages, [&](const auto& path, std::size_t i) {
        Image image = whole;
        const std::size_t one = i / pages, other = i % pages;
        image.replace(one * 4096, 4096, whole, other * 4096, 4096);
        if (i % 2) image.replace(other * 4096, 4096, whole, one * 4096, 4096);
        write(path, image);
    });
    cases.run(pages * 3, [&](const auto& path, std::size_t i) {
        Image image = whole;
        for (std::size_t byte = 0; byte < 4096; ++byte)
            image[i / 3 * 4096 + byte] = i % 3 == 0 ? '\0' : static_cast<char>(random());
        if (i % 3 == 2) image.resize(i / 3 * 4096 + random() % 4096);
        write(path, image);
    });
}

TEST_CASE("noise at random places of the file shows nothing but the truth") {
    FileCases cases("files with noise at random places", 30);
    const Image& whole = files().whole;
    INFO("COFFER_TEST_SEED=" << seed());
    cases.run(6000, [&](const auto& path, std::size_t i) {
        std::mt19937_64 random(seed() + i);
        Image image = whole;
        for (std::size_t j = 1 + random() % 30; j > 0; --j) {
            const std::size_t place = random() % image.size();
            // Numbers of pages, cells and lengths are small: those hurt more than noise.
            image[place] = static_cast<char>(random() % 2 ? random() : random() % 20);
        }
        write(path, image);
    });
}

namespace {

// Statements that an attacker runs on the file. Each is by itself, on a fresh copy.
constexpr const char* kRows[] = {
    // Wrong types, where a strict table lets them in or not.
    "UPDATE payloads SET bytes = x''",
    "UPDATE commits SET bytes = x'' WHERE revision = 9",
    "UPDATE commits SET bytes = zeroblob(1048576) WHERE revision = 9",
    "UPDATE commits SET bytes = zeroblob(1048577) WHERE revision = 9",
    "UPDATE payloads SET hash = CAST(hash || x'00' AS BLOB)",
    "INSERT INTO payloads VALUES(x'', x'')",
    "INSERT INTO payloads VALUES(zeroblob(31), x'00')",
    "INSERT INTO payloads VALUES(zeroblob(1000000), x'00')",
    "DELETE FROM commits",
    "DELETE FROM payloads",
    "DELETE FROM commits WHERE revision > 12",
    "UPDATE commits SET revision = -revision",
    "UPDATE commits SET revision = revision + 9223372036854775700",
    "INSERT INTO commits VALUES(9223372036854775807, x'00')",
    "INSERT INTO commits VALUES(-9223372036854775808, x'00')",
    "INSERT INTO commits VALUES(0, x'00')",
    // Too large: past a commit, past what the connection takes, and at the end where the head is looked for.
    "UPDATE commits SET bytes = zeroblob(3000000) WHERE revision = 9",
    "UPDATE commits SET bytes = zeroblob(3000000) WHERE revision = (SELECT max(revision) FROM commits)",
    "INSERT INTO commits SELECT max(revision) + 1, zeroblob(3000000) FROM commits",
    "INSERT INTO commits SELECT max(revision) + 1, zeroblob(60000000) FROM commits",
    "UPDATE payloads SET bytes = zeroblob(3000000)",
    "INSERT INTO payloads VALUES(zeroblob(32), zeroblob(60000000))",
    // Another schema.
    "CREATE TRIGGER t AFTER INSERT ON commits BEGIN DELETE FROM payloads;END",
    "CREATE VIEW v AS SELECT * FROM commits",
    "CREATE TABLE t(a)",
    "CREATE INDEX i ON commits(bytes)",
    "DROP TABLE payloads",
    "DROP TABLE commits; CREATE VIEW commits AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM "
    "c) "
    "SELECT n AS revision, x'00' AS bytes FROM c",
    "DROP TABLE commits; CREATE TABLE commits(revision, bytes)",
    "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 2 WHERE rootpage = 3",
    "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 999999 WHERE name = 'commits'",
    "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 1",
    "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = sql || ' '",
    "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET type = 'view'",
    "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name LIKE 'sqlite_auto%'",
    "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema VALUES('trigger', 't', 'commits', 0, NULL)",
    "PRAGMA user_version = 2",
    "PRAGMA application_id = 1",
    "PRAGMA user_version = -1",
    // Kept in another way, which is no harm.
    "PRAGMA wal_checkpoint; VACUUM",
    "PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM",
    "PRAGMA journal_mode = DELETE; PRAGMA page_size = 65536; VACUUM; PRAGMA journal_mode = WAL",
    "PRAGMA auto_vacuum = FULL; VACUUM",
};

}  // namespace

TEST_CASE("rows and schemas that nobody of ours writes are refused, or are the truth, within little memory") {
    FileCases cases("rows too large, of wrong types and numbers, and schemas not ours", 1);
    cases.run(std::size(kRows), [&](const auto& path, std::size_t i) {
        write(path, files().whole);
        std::filesystem::permissions(path, std::filesystem::perms(0600));
        // The tool of Python is a connection without our limits.
        const std::string script = concat(
            "import sqlite3,sys\ndb=sqlite3.connect(sys.argv[1],isolation_level=None)\n",
            "for one in sys.argv[2].split('; '):\n try: db.execute(one).fetchall()\n",
            " except sqlite3.Error as error: print(one, error)\n",
            "try: db.execute('PRAGMA wal_checkpoint(TRUNCATE)')\nexcept sqlite3.Error: pass\ndb.close()\n");
        const pid_t child = fork();
        if (child == 0) {
            execlp("python3", "python3", "-c", script.c_str(), path.c_str(), kRows[i], nullptr);
            _exit(127);
        }
        int status = 0;
        waitpid(child, &status, 0);
        if (status != 0) throw std::runtime_error("python3 could not spoil the store");
    });
    // A reader holds some pages, some commits and one payload, whatever the file says of lengths.
    INFO(cases.largest_memory() << " KiB");
#ifndef COFFER_NO_MLOCK
    CHECK(cases.largest_memory() < 200 * 1024);
#endif
    std::printf("FIGURE: tamper: memory of readers of files with rows of up to 60 MB: at most %ld MiB\n",
                cases.largest_memory() / 1024);
}

TEST_CASE("a write-ahead log and its index that are damaged, foreign or noise show nothing but the truth") {
    FileCases cases("bytes of the write-ahead log changed, and logs cut", 800, 40);
    const Files& all = files();
    REQUIRE(all.wal.size() > 4096);
    const auto beside = [](const auto& path, const Image& main, const Image& wal, const Image& shm) {
        write(path, main);
        write(path.string() + "-wal", wal);
        if (!shm.empty()) write(path.string() + "-shm", shm);
    };
    cases.run(all.wal.size(), [&](const auto& path, std::size_t i) {
        Image wal = all.wal;
        wal[i] = static_cast<char>(wal[i] ^ (1 << i % 8));
        if (i % 5 == 0) wal.resize(i);
        beside(path, all.early, wal, {});
    });
    FileCases index("bytes of the log's index changed", 300, 20);
    index.run(all.shm.size(), [&](const auto& path, std::size_t i) {
        Image shm = all.shm;
        shm[i] = static_cast<char>(shm[i] ^ (1 << i % 8));
        beside(path, all.early, all.wal, shm);
    });
    const Files foreign(TrueHistory(0x50));
    FileCases whole("write-ahead logs of another store, of noise and of nothing", 1);
    whole.run(40, [&](const auto& path, std::size_t i) {
        std::mt19937_64 random(seed() + i);
        Image noise(random() % 100'000, '\0');
        for (char& byte : noise) byte = static_cast<char>(random());
        const Image& main = i % 2 ? all.early : all.whole;
        const Image* const logs[] = {&foreign.wal, &noise, &all.wal};
        const Image& wal = *logs[i / 2 % 3];
        beside(path, main, wal, i % 5 == 0 ? noise : Image());
    });
}
