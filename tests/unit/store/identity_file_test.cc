// SPDX-License-Identifier: Apache-2.0
#include "keys/identity_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "support/catch.h"
#include "support/in_child.h"
#include "support/temp_folder.h"

using namespace coffer;
using coffer::test::TempFolder;

namespace {

std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

constexpr Argon2Cost kCheap{1, 8u << 20};

Identity identity_of(std::uint8_t byte) {
    Bytes seed(32, byte);
    return Identity::from_seed(SecretBuffer::take(seed).value()).value();
}

PassphraseSource answer(std::string_view passphrase) {
    return [=]() -> Result<SecretBuffer> {
        Bytes copy(passphrase.begin(), passphrase.end());
        return SecretBuffer::take(copy);
    };
}

Result<SecretBuffer> nobody_asked() {
    FAIL("asked for a passphrase that is not needed");
    return fail(Code::failed, "asked");
}

std::string plain_text() {
    return std::string(as_text(encode_identity(identity_of(1)).value().view()));
}

std::string sealed_text(std::string_view passphrase) {
    return std::string(as_text(encode_identity(identity_of(1), as_bytes(passphrase), kCheap).value().view()));
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    auto at = text.find(from);
    REQUIRE(at != text.npos);
    return text.replace(at, from.size(), to);
}

Error decode_error(std::string_view text) {
    auto decoded = decode_identity(as_bytes(text), answer("right"));
    REQUIRE_FALSE(decoded);
    return decoded.error();
}

}  // namespace

TEST_CASE("a plain identity file has this text") {
    auto identity = identity_of(1);
    std::string seed;
    for (int i = 0; i < 32; ++i) seed += "01";
    CHECK(plain_text() == "coffer identity 1\nsigning: " + identity.recipient().signing.hex() +
                              "\nsealing: " + identity.recipient().sealing.hex() +
                              "\nprotection: none\nseed: " + seed + "\n");
}

TEST_CASE("a plain identity file is read without asking for a passphrase") {
    auto decoded = decode_identity(as_bytes(plain_text()), nobody_asked);
    REQUIRE(decoded);
    CHECK(decoded->recipient() == identity_of(1).recipient());
}

TEST_CASE("a protected identity opens with its passphrase alone and hides the seed") {
    auto text = sealed_text("right");
    CHECK(text.find("01010101") == text.npos);
    CHECK(text.find("\nprotection: argon2id\noperations: 1\nmemory: 8388608\nsalt: ") != text.npos);
    auto decoded = decode_identity(as_bytes(text), answer("right"));
    REQUIRE(decoded);
    CHECK(decoded->recipient() == identity_of(1).recipient());
    auto wrong = decode_identity(as_bytes(text), answer("wrong"));
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().code == Code::not_allowed);
    CHECK(wrong.error().rule == "identity.passphrase");
    CHECK_FALSE(decode_identity(as_bytes(text), answer("")));
    CHECK_FALSE(decode_identity(as_bytes(text), {}));
}

TEST_CASE("a failing passphrase source is passed on") {
    auto decoded = decode_identity(as_bytes(sealed_text("right")), []() -> Result<SecretBuffer> {
        return fail(Code::invalid, "no terminal");
    });
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().message == "no terminal");
}

TEST_CASE("an identity is never written twice in the same words") {
    CHECK(sealed_text("right") != sealed_text("right"));
}

TEST_CASE("an empty passphrase and costs out of bounds are refused") {
    CHECK_FALSE(encode_identity(identity_of(1), {}, kCheap));
    const Argon2Cost bad[] = {{0, 8u << 20}, {17, 8u << 20},      {1, (8u << 20) - 1024},
                              {1, 2u << 30}, {1, (8u << 20) + 1}, {1, 0}};
    for (auto cost : bad) {
        auto text = encode_identity(identity_of(1), as_bytes("right"), cost);
        REQUIRE_FALSE(text);
        CHECK(text.error().rule == "identity.cost");
    }
}

TEST_CASE("a file's costs are checked before anything is derived from them") {
    auto text = sealed_text("right");
    CHECK(decode_error(replaced(text, "memory: 8388608", "memory: 1099511627776")).rule == "identity.cost");
    CHECK(decode_error(replaced(text, "operations: 1", "operations: 4000000")).rule == "identity.cost");
    CHECK(decode_error(replaced(text, "operations: 1", "operations: 0")).rule == "identity.cost");
}

TEST_CASE("the header of a protected identity is bound to the seed") {
    auto text = sealed_text("right");
    auto other = identity_of(2);
    auto changed = replaced(text, identity_of(1).recipient().sealing.hex(), other.recipient().sealing.hex());
    CHECK(decode_error(changed).rule == "identity.passphrase");
    CHECK(decode_error(replaced(text, "operations: 1", "operations: 2")).rule == "identity.passphrase");
}

TEST_CASE("public halves that are not the seed's are refused") {
    auto changed = replaced(plain_text(), identity_of(1).recipient().signing.hex(),
                            identity_of(2).recipient().signing.hex());
    auto error = decode_error(changed);
    CHECK(error.rule == "identity.public-half");
    CHECK(error.code == Code::tampered);
}

TEST_CASE("an identity file that is spelled differently is refused") {
    auto plain = plain_text(), sealed = sealed_text("right");
    std::string seed(64, '0');
    for (std::size_t i = 1; i < 64; i += 2) seed[i] = '1';
    struct Bad {
        std::string text;
        std::string_view rule;
    };
    const Bad bad[] = {
        {"", "identity.format"},
        {"coffer identity 2\n", "identity.format"},
        {" " + plain, "identity.format"},
        {replaced(plain, "identity 1\n", "identity 1\r\n"), "identity.format"},
        {"coffer identity 1\n", "identity.line"},
        {plain.substr(0, plain.size() - 1), "identity.line"},
        {plain + "\n", "identity.trailing-bytes"},
        {plain + plain, "identity.trailing-bytes"},
        {replaced(plain, "protection: none", "protection: None"), "identity.line"},
        {replaced(plain, "protection: none", "protection: rot13"), "identity.line"},
        {replaced(plain, "protection: none", "protection:  none"), "identity.line"},
        {replaced(plain, "signing: ", "signing:"), "identity.line"},
        {replaced(plain, "signing: ", "Signing: "), "identity.line"},
        {replaced(plain, "\nseed: ", "\nnote: x\nseed: "), "identity.line"},
        {replaced(plain, seed, seed.substr(2)), "identity.line"},
        {replaced(plain, seed, seed + "00"), "identity.line"},
        {replaced(plain, seed, seed.substr(2) + "0A"), "identity.line"},
        {replaced(plain, seed, seed.substr(2) + "0g"), "identity.line"},
        {replaced(plain, seed, seed.substr(2) + "  "), "identity.line"},
        {replaced(sealed, "operations: 1", "operations: 01"), "identity.spelling"},
        {replaced(sealed, "operations: 1", "operations: +1"), "identity.line"},
        {replaced(sealed, "operations: 1", "operations: "), "identity.line"},
        {replaced(sealed, "memory: 8388608", "memory: 99999999999999999999999"), "identity.line"},
    };
    for (const Bad& each : bad) {
        INFO(each.text);
        auto error = decode_error(each.text);
        CHECK(error.rule == each.rule);
        CHECK(error.message.find("0101") == std::string::npos);  // no byte of the seed in a message
    }
}

TEST_CASE("an identity is saved for its owner's eyes only and never replaces a file") {
    TempFolder folder;
    auto path = folder / "owner.identity";
    auto text = encode_identity(identity_of(1)).value();
    mode_t before = umask(0);
    auto saved = save_identity(path, text);
    umask(before);
    REQUIRE(saved);
    struct stat status;
    REQUIRE(stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0400);
    CHECK(load_identity(path, nobody_asked).value().recipient() == identity_of(1).recipient());
    CHECK(load_recipient(path).value() == identity_of(1).recipient());
    auto again = save_identity(path, encode_identity(identity_of(2)).value());
    REQUIRE_FALSE(again);
    CHECK(again.error().code == Code::conflict);
    CHECK(read_file(path) == plain_text());
}

TEST_CASE("the public half is read without a passphrase") {
    TempFolder folder;
    auto path = folder / "owner.identity";
    REQUIRE(save_identity(path, encode_identity(identity_of(1), as_bytes("right"), kCheap).value()));
    CHECK(load_recipient(path).value() == identity_of(1).recipient());
}

TEST_CASE("an identity that others can read or write is refused") {
    TempFolder folder;
    auto path = folder.write("owner.identity", plain_text());
    for (mode_t mode : {0440u, 0404u, 0420u, 0402u, 0644u, 0410u}) {
        REQUIRE(chmod(path.c_str(), mode) == 0);
        auto loaded = load_identity(path, nobody_asked);
        REQUIRE_FALSE(loaded);
        CHECK(loaded.error().code == Code::not_allowed);
        CHECK(loaded.error().message.find("chmod 0400") != std::string::npos);
    }
    REQUIRE(chmod(path.c_str(), 0600) == 0);
    CHECK(load_identity(path, nobody_asked));
}

TEST_CASE("an identity that is missing, a folder, too large or a FIFO is refused") {
    TempFolder folder;
    CHECK(load_identity(folder / "none", nobody_asked).error().code == Code::not_found);
    CHECK(load_identity(folder.path(), nobody_asked).error().code == Code::invalid);
    auto large = folder.write("large", std::string(5000, 'x'));
    auto fifo = folder / "fifo";
    REQUIRE(chmod(large.c_str(), 0400) == 0);
    REQUIRE(mkfifo(fifo.c_str(), 0400) == 0);
    CHECK(load_identity(large, nobody_asked).error().code == Code::invalid);
    CHECK(load_identity(fifo, nobody_asked).error().code == Code::invalid);
    auto empty = folder.write("empty", "");
    REQUIRE(chmod(empty.c_str(), 0400) == 0);
    CHECK(load_identity(empty, nobody_asked).error().rule == "identity.format");
}

TEST_CASE("an identity of another user is refused, one of root's is not (needs root)") {
    if (geteuid() != 0) {
        WARN("skipped: needs root");
        return;
    }
    TempFolder folder;
    auto path = folder.write("owner.identity", plain_text());
    REQUIRE(chmod(path.c_str(), 0400) == 0);
    REQUIRE(chown(path.c_str(), 65534, 65534) == 0);
    auto loaded = load_identity(path, nobody_asked);
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code == Code::not_allowed);
}
