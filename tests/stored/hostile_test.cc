// SPDX-License-Identifier: Apache-2.0
//
// Clients of coffer-stored who mean harm, and what the others notice of it.
#include <poll.h>
#include <sys/resource.h>

#include <algorithm>

#include "keys/hash.h"
#include "support/log_builder.h"
#include "support/stored_service.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kKey = "acme/checkout/production/KEY";

// A bare connection, for what no client of ours would send.
class Raw {
  public:
    explicit Raw(const StoredService& service) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const auto address = socket_address(service.socket());
        connected_ =
            ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }
    [[nodiscard]] bool connected() const { return connected_; }
    [[nodiscard]] int descriptor() const { return socket_.get(); }
    bool send(ByteView bytes) const {
        return ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(bytes.size());
    }
    bool hello() const { return send(encode(HelloRequest{})) && error().empty(); }
    // The next reply's error; empty for a reply that is none, "ended" when the service has ended it.
    [[nodiscard]] std::string error() const {
        Bytes head = take(kFrameHeader);
        if (head.size() < kFrameHeader) return "ended";
        auto header = must(parse_reply_header(head));
        const Bytes body = take(header.size);
        return header.kind == ReplyKind::error ? must(parse_error(body)).message : "";
    }

  private:
    [[nodiscard]] Bytes take(std::size_t size) const {
        Bytes out(size);
        std::size_t done = 0;
        while (done < size) {
            pollfd wanted{socket_.get(), POLLIN, 0};
            if (poll(&wanted, 1, kClientPatience) <= 0) FAIL("the service does not answer");
            ssize_t got = recv(socket_.get(), out.data() + done, size - done, 0);
            if (got <= 0) break;
            done += static_cast<std::size_t>(got);
        }
        out.resize(done);
        return out;
    }
    Descriptor socket_;
    bool connected_ = false;
};

bool still_serves(const FoundedService& service) {
    auto done = service.set_as(kOtherMember, kKey, "still");
    UNSCOPED_INFO(done.text << '\n' << service.log());
    return done == Outcome{};
}

// A user who does something until it is told to end, and has done it once when this returns.
class Nuisance {
  public:
    template <class Body>
    Nuisance(const Who& who, Body body) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) FAIL("pipe2");
        child_ = client_beside(who, [&] { return body([&] { return write(ends[1], "x", 1) == 1; }); });
        close(ends[1]);
        char byte = 0;
        started_ = read(ends[0], &byte, 1) == 1;
        close(ends[0]);
    }
    ~Nuisance() {
        kill(child_, SIGKILL);
        status_of(child_);
    }
    Nuisance(const Nuisance&) = delete;
    Nuisance& operator=(const Nuisance&) = delete;
    [[nodiscard]] bool started() const { return started_; }

  private:
    pid_t child_ = -1;
    bool started_ = false;
};

}  // namespace

TEST_CASE("garbage is answered with a reason and the end of the connection, and harms nobody") {
    FoundedService service;
    auto tried = client(kMember, [&]() -> Outcome {
        for (int round = 0; round < 200; ++round) {
            Bytes noise(static_cast<std::size_t>(5 + 7 * round));
            random_bytes(noise);
            noise[4] = static_cast<std::uint8_t>(noise[4] | 0x10);  // no kind of request
            Raw raw(service);
            if (!raw.connected()) return failed();
            if (round % 2 && !raw.hello()) return {1, "no greeting"};
            (void)raw.send(noise);
            if (raw.error().empty()) return {1, "garbage was answered"};
            if (raw.error() != "ended") return {1, "the connection goes on"};
        }
        return {};
    });
    CHECK(tried == Outcome{});
    CHECK(still_serves(service));
}

TEST_CASE("who does not say hello first, or speaks another version, is told so") {
    FoundedService service;
    Raw silent(service);
    CHECK(silent.send(encode(HeadRequest{})));
    CHECK(silent.error().find("expected a hello") != std::string::npos);
    CHECK(silent.error() == "ended");
    Raw newer(service);
    CHECK(newer.send(encode(HelloRequest{2})));
    CHECK(newer.error().find("version 1") != std::string::npos);
    CHECK(newer.error() == "ended");
    CHECK(still_serves(service));
}

TEST_CASE("a request that stays half is given up, and nobody waits for it") {
    FoundedService service({"--timeout", "1"});
    const Bytes append = encode_append(Head{}, Bytes(1000), std::vector<Bytes>{Bytes(5000)});
    std::vector<std::unique_ptr<Raw>> halves;
    for (std::size_t part : {0ul, 1ul, 4ul, 5ul, 6ul, 3000ul, append.size() - 1}) {
        auto raw = std::make_unique<Raw>(service);
        REQUIRE(raw->hello());
        REQUIRE(raw->send(ByteView(append).first(part)));
        halves.push_back(std::move(raw));
    }
    halves.push_back(std::make_unique<Raw>(service));  // not even a hello
    CHECK(still_serves(service));
    for (auto& raw : halves) CHECK(raw->error() == "ended");
    CHECK(still_serves(service));
}

TEST_CASE("forged commits are refused by the name of their rule, and nothing is stored") {
    FoundedService service;
    auto store = must(service.open());
    must(service.set(store, kKey, "value"));
    const Identity editor = must(Identity::generate()), admin = must(Identity::generate());
    must(add_principal(store, service.owner,
                       {"eve", Role::editor, must(Pattern::parse("acme/*/*")), editor.recipient()}));
    must(add_principal(store, service.owner,
                       {"alice", Role::admin, must(Pattern::parse("acme/other/*")), admin.recipient()}));
    const Head head = must(store.backend().head());
    const auto payloads = must(store.backend().payload_hashes());
    const Bytes value(64 + kPayloadOverhead, 7);
    const auto secret = must(store.view().find(must(SecretName::parse(kKey))));
    const Put put{secret->live->scope_key, "KEY", 2, 2, 0, payload_hash(value), 64};
    const CommitBody body{service.pin.store, head.revision + 1, head.hash, 1, {put}};

    auto rule_of = [&](const Bytes& commit, const std::vector<Bytes>& with) -> std::string {
        return client(kMember,
                      [&]() -> Outcome {
                          auto done = must(service.connect())->append(head, commit, with);
                          if (done) return {0, "accepted"};
                          return {0, done.error().rule.empty() ? done.error().message
                                                               : std::string(done.error().rule)};
                      })
            .text;
    };
    const Bytes good = LogBuilder::sign(body, service.owner);
    Bytes flipped = good;
    flipped.back() ^= 1;
    CHECK(rule_of(flipped, {value}) == "commit.signature");
    CHECK(rule_of(LogBuilder::sign(body, must(Identity::generate())), {value}) == "commit.unknown-signer");
    CHECK(rule_of(LogBuilder::sign(body, editor), {value}) == "put.signer");
    CHECK(rule_of(LogBuilder::sign(body, admin), {value}) == "put.signer");
    CHECK(rule_of(LogBuilder::sign(body, service.host), {value}) == "put.signer");
    auto other = body;
    other.revision = head.revision + 2;
    CHECK(rule_of(LogBuilder::sign(other, service.owner), {value}) == "commit.revision");
    other = body;
    std::get<Put>(other.operations[0]).version = 9;
    CHECK(rule_of(LogBuilder::sign(other, service.owner), {value}) == "put.version");
    CHECK(rule_of(good, {}) == "payload.missing");
    CHECK(rule_of(good, {value, Bytes(200)}) == "payload.hash");
    CHECK(rule_of(Bytes{}, {}) == "commit.magic");
    CHECK(must(store.backend().head()) == head);
    CHECK(must(store.backend().payload_hashes()) == payloads);
    CHECK(rule_of(good, {value}) == "accepted");
}

TEST_CASE("a lock that is held on the store file is an error for who writes, and no wait for who reads") {
    FoundedService service;
    {
        auto database = must(Database::open(service.store(), OpenMode::read_write));
        auto held = must(SqlTransaction::begin(database));
        auto refused = service.set_as(kMember, kKey, "v");
        CHECK(refused.error == code_number(Code::unavailable));
        CHECK(service.revision() == 1);
    }
    CHECK(service.set_as(kMember, kKey, "v") == Outcome{});
}

TEST_CASE("10,000 connections of one user keep no other out") {
    FoundedService service;
    rlimit all{20000, 20000};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &all) == 0);
    Nuisance crowd(kMember, [&](auto started) {
        std::vector<std::unique_ptr<Raw>> held;
        for (int i = 0; i < 10000; ++i) {
            held.push_back(std::make_unique<Raw>(service));
            if (!held.back()->connected()) return false;
        }
        if (!started()) return false;
        pause();
        return true;
    });
    REQUIRE(crowd.started());
    CHECK(still_serves(service));
    auto refused = service.set_as(kMember, kKey, "v");
    CHECK(refused.error == code_number(Code::limit));
    CHECK(refused.text.find("connections") != std::string::npos);
    CHECK(service.revision() > 1);  // root has no limit
}

TEST_CASE("who takes no answer waits for himself, and who asks without end lets others in between") {
    FoundedService service;
    auto store = must(service.open());
    for (int i = 0; i < 3; ++i) must(service.set(store, kKey, std::string(1000 * 1000, 'x')));
    const auto hashes = must(store.backend().payload_hashes());
    Nuisance deaf(kMember, [&](auto started) {
        std::vector<std::unique_ptr<Raw>> held;
        for (int i = 0; i < 60; ++i) {
            held.push_back(std::make_unique<Raw>(service));
            if (!held.back()->hello()) return false;
        }
        for (auto& raw : held) {
            for (int n = 0; n < 20; ++n)
                if (!raw->send(encode(PayloadRequest{hashes[0]}))) return false;
        }
        if (!started()) return false;
        pause();
        return true;
    });
    REQUIRE(deaf.started());
    Nuisance loud(Who{60004, 60004, {kMembersGroup}}, [&](auto started) {
        auto log = must(service.connect());
        if (!started()) return false;
        while (true) must(log->read(1, 1000));
        return true;
    });
    CHECK(still_serves(service));
    CHECK(must(must(service.connect())->payload(hashes[1])).size() > 1000 * 1000);
}

TEST_CASE("a user has so many bytes on their way, whatever the headers claim") {
    FoundedService service;
    Nuisance greedy(kMember, [&](auto started) {
        std::vector<std::unique_ptr<Raw>> held;
        ByteWriter header;
        header.u32(kMaxAppendBody);
        header.u8(static_cast<std::uint8_t>(RequestKind::append));
        for (int i = 0; i < 10; ++i) {
            held.push_back(std::make_unique<Raw>(service));
            if (!held.back()->hello() || !held.back()->send(header.bytes())) return false;
            // Two of the largest are taken; whoever comes behind them is told.
            if (i >= 2 && held.back()->error().find("on their way") == std::string::npos) return false;
        }
        if (!started()) return false;
        pause();
        return true;
    });
    REQUIRE(greedy.started());
    CHECK(still_serves(service));
}

TEST_CASE("a user appends so often in a minute, and the others go on") {
    FoundedService service({"--appends-per-minute", "5"});
    auto tried = client(kMember, [&]() -> Outcome {
        auto store = must(service.open());
        Result<SetOutcome> done = service.set(store, kKey, "v");
        for (int i = 0; i < 10 && done; ++i) done = service.set(store, kKey, "v");
        return outcome_of(done);
    });
    CHECK(tried.error == code_number(Code::limit));
    CHECK(tried.text.find("try again in") != std::string::npos);
    CHECK(service.set_as(kOtherMember, kKey, "v") == Outcome{});
    auto store = must(service.open());
    for (int i = 0; i < 20; ++i) must(service.set(store, kKey, "root's"));
}

TEST_CASE("nothing is written behind a tail that does not verify, and the service starts all the same") {
    FoundedService service;
    {
        auto database = must(Database::open(service.store(), OpenMode::read_write));
        must(database.execute("INSERT INTO commits(revision, bytes) VALUES(2, x'00')"));
    }
    for (int i = 0; i < 2; ++i) {
        auto log = must(service.connect());
        const Head head = must(log->head());
        auto refused = log->append(head, Bytes(200), {});
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == Code::tampered);
        CHECK(service.stop() == 0);
        service.start();
    }
}
